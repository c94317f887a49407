"""The fine-tuning stage: a pretrained BERT and SQuAD in, a BERT that answers questions out."""
