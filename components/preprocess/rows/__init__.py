"""From documents to the rows that BERT is pretrained on."""
