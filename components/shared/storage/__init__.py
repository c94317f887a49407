"""Object storage, and the local paths that stand for objects in it."""
