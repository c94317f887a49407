"""The smallest classification there is: the sentence "good" or "bad", and a BERT for it."""

import csv
from pathlib import Path

BERT_CONFIG = {
    "vocab_size": 7,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 32,
}


def write_table(folder: Path, num_pairs: int) -> None:
    """Write vocab.txt, and train.csv with a row of each label per pair."""
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\n")
    with (folder / "train.csv").open("w", newline="") as file:
        rows = [("good", "yes"), ("bad", "no")] * num_pairs
        csv.writer(file).writerows([("sentence", "label"), *rows])
