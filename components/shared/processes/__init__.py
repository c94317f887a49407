"""The processes that train: how they are restarted and ended."""
