"""Sentence classification: labeled sentences, and what the model reads of them."""
