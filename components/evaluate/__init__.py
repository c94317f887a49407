"""Scores a fine-tuned BERT on SQuAD, measures how fast it answers, and writes the report."""
