"""The arithmetic: pure functions from small frozen aggregates to frozen results."""
