"""From tables to sufficient statistics: contracts, the per-unit table, one grouped query."""
