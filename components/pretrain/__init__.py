"""The pretraining stage: packed rows in, a BERT out."""
