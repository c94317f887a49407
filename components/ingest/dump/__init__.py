"""Dumps: found by name, described, and compared with the one before."""
