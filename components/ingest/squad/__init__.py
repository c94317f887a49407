"""Ingest for SQuAD: the training and the development set."""
