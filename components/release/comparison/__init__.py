"""Compares the model to be released with the one in use."""
