"""Ingest for sentence classification: labeled sentences and a model to start from."""
