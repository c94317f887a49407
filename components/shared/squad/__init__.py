"""SQuAD: its files, and the windows that a model reads of a question and its context."""
