"""Word pieces: the vocabulary, the tokenizer, and which pieces pretraining masks."""
