"""The declarative spec: one file for each section of the YAML, and the reader."""
