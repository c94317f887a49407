"""Fine-tuning on labelled sentences: a BERT in, a classifier out."""
