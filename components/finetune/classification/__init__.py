"""Fine-tuning on labeled sentences: a BERT in, a classifier out."""
