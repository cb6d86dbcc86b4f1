"""One file for each state of the schema, in order."""
