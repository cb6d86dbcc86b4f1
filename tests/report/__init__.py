"""The page, in every state."""
