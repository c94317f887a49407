"""Evaluation on SQuAD: answers, official scores, and the report about them."""
