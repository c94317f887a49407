"""Checkpoints of BERT: Google's files, Hugging Face's, and what lies beside them."""
