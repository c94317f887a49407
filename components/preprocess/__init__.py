"""Preprocess: from a Wikipedia dump to rows of word pieces that BERT is pretrained on."""
