"""Fine-tuning on SQuAD: a BERT in, a BERT that answers questions out."""
