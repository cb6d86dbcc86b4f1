-- days
SELECT "ends"."arm", "ends"."day", "ends"."event", count(*) AS "units"
FROM (SELECT "arm" AS "arm", CASE WHEN ("days" IS NOT NULL AND CAST(floor("days") AS BIGINT) + 1 <= CASE WHEN (CAST(floor("followed") AS BIGINT) > 28) THEN 28 ELSE CAST(floor("followed") AS BIGINT) END) THEN CAST(floor("days") AS BIGINT) + 1 ELSE CASE WHEN (CAST(floor("followed") AS BIGINT) > 28) THEN 28 ELSE CAST(floor("followed") AS BIGINT) END END AS "day", CASE WHEN ("days" IS NOT NULL AND CAST(floor("days") AS BIGINT) + 1 <= CASE WHEN (CAST(floor("followed") AS BIGINT) > 28) THEN 28 ELSE CAST(floor("followed") AS BIGINT) END) THEN 1 ELSE 0 END AS "event"
FROM "units") AS "ends" GROUP BY "ends"."arm", "ends"."day", "ends"."event";

-- ranks
SELECT "placed"."arm", "placed"."place", "placed"."x"
FROM (SELECT "known"."arm" AS "arm", "known"."x" AS "x", row_number() OVER (PARTITION BY "known"."arm" ORDER BY "known"."x") AS "place"
FROM (SELECT "arm" AS "arm", CAST("spend" AS DOUBLE) AS "x"
FROM "units"
WHERE CAST("spend" AS DOUBLE) IS NOT NULL) AS "known") AS "placed"
WHERE "placed"."arm" = 'a' AND "placed"."place" IN (3, 9, 12) OR "placed"."arm" = 'b' AND "placed"."place" IN (4, 9, 13);

-- cluster totals
SELECT "members"."arm", "members"."cluster", "members"."$cell", count(*) AS "$size", sum("members"."spend") AS "spend"
FROM (SELECT "arm" AS "arm", "store" AS "cluster", CAST("spend" AS DOUBLE) AS "spend", coalesce(nullif("tier", ''), '(missing)') AS "$cell"
FROM "units") AS "members" GROUP BY "members"."arm", "members"."cluster", "members"."$cell";

-- clusters
SELECT "unit_table"."arm", "unit_table"."segment:size", "unit_table"."segment:tier", count(*) AS "v0", sum("unit_table"."spend") AS "v1", sum("unit_table"."spend" * "unit_table"."spend") AS "v2"
FROM (SELECT "arm" AS "arm", CAST("$size" AS TEXT) AS "segment:size", "$cell" AS "segment:tier", CAST("spend" AS DOUBLE) AS "spend"
FROM "loyalty_clusters") AS "unit_table" GROUP BY "unit_table"."arm", "unit_table"."segment:size", "unit_table"."segment:tier";
