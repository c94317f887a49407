"""Evaluation of a classifier: how often it is right, and how fast."""
