"""Ingest: fetch and check what the pipeline is given, before anything costly starts."""
