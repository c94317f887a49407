"""Ingest for sentence classification: labelled sentences and a model to start from."""
