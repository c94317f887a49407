"""A small model that several tests ask."""

from pathlib import Path

import pytest

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import SpanModel
from components.shared.checkpoints.checkpoint import write_checkpoint
from components.shared.tokens.tokenization import Tokenization


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    vocabulary = tmp_path / "vocab.txt"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "where", "is", "home", "far", "away"]
    vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=160,
    )
    model = SpanModel(config, seed=1)
    model.build()
    folder = tmp_path / "checkpoint"
    write_checkpoint(
        folder, model=model, vocabulary=vocabulary, tokenization=Tokenization(lowercase=True)
    )
    return folder
