"""Where the rows are: engines, dialects, files, and the few constructs that differ between engines."""
