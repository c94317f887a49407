"""Models of transformers."""

import pytest

from components.shared.bert.heads import PretrainingModel
from components.shared.checkpoints.checkpoint import write_checkpoint
from components.shared.checkpoints.huggingface_export import ExportConfig, export
from components.shared.tokens.tokenization import Tokenization
from tests.components.shared.checkpoints.huggingface.models import PIECES, build


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path, vocabulary):
    """A BertForPreTraining."""
    checkpoint = tmp_path / "checkpoint"
    write_checkpoint(
        checkpoint,
        model=build(PretrainingModel),
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
    )
    export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "exported"))
    return tmp_path / "exported"
