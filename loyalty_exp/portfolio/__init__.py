"""All experiments of a workspace on one page: what was decided, what it earned, what that adds up to."""
