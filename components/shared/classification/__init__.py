"""Sentence classification: labelled sentences, and what the model reads of them."""
