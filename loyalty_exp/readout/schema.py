"""The published JSON Schema of `readout.json`, made from the same frozen classes."""

from __future__ import annotations

from typing import Any

from loyalty_exp.readout.result import SCHEMA_ID, Readout


def readout_schema() -> dict[str, Any]:
    """Give the schema (draft 2020-12); every produced file is valid against it."""
    from pydantic import TypeAdapter

    # Parts that few readouts have are loaded with those only; here all are named.
    from loyalty_exp.readout.naive import NaiveFacts  # noqa: F401
    from loyalty_exp.readout.outlook import OutlookFacts  # noqa: F401
    from loyalty_exp.readout.over_time import OverTimeFacts  # noqa: F401
    from loyalty_exp.readout.reached import ExposureFacts  # noqa: F401

    schema = TypeAdapter(Readout).json_schema(mode="serialization")
    for part in (schema, *schema.get("$defs", {}).values()):
        if part.get("type") == "object" and "properties" in part:
            part["additionalProperties"] = False
            part["required"] = list(part["properties"])
    for name in ("Sequential", "SequentialInterval"):
        # At a very early look an interval has no bounds: infinite in the value, null in the file.
        for bound in ("ci_lower", "ci_upper"):
            own = schema["$defs"][name]["properties"][bound]
            own["anyOf"] = [{"type": own.pop("type")}, {"type": "null"}]
    schema["properties"] = {"schema": {"const": SCHEMA_ID}, **schema["properties"]}
    schema["required"] = ["schema", *schema["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}
