"""Releases a model if it is good enough and no worse than the one in use."""
