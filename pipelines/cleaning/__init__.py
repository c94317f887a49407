"""Removes what finished runs left in storage, and nothing that something refers to."""
