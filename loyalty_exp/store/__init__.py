"""The state store: locks, looks, readouts, decisions and the archive of the experiments of a workspace."""
