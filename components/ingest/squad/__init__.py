"""Ingest for SQuAD: the training and the development set, and the weights to start from."""
