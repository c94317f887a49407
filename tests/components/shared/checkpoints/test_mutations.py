"""Damaged checkpoints: one line each, and never wrong weights."""

import random

import numpy as np
import pytest
import tensorflow as tf

from components.shared.bert.config import BertConfig
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.weights import open_weights
from components.shared.errors import InputError
from tests.components.shared.bert import google_checkpoint
from tests.mutations import mutate

CONFIG = BertConfig(
    vocab_size=6,
    hidden_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=12,
)
NUM_MUTATIONS = 300
V1, V2 = tf.compat.v1.train.SaverDef.V1, tf.compat.v1.train.SaverDef.V2


def read_all(folder, names):
    Checkpoint.read(folder)
    weights = open_weights(folder)
    return {name: weights.read(name) for name in names}


@pytest.mark.parametrize("version", [V1, V2], ids=["old format", "new format"])
def test_a_damaged_checkpoint_gives_its_weights_or_one_line(tmp_path, version):
    """Cut, altered, doubled or swapped bytes in any of Google's files, those beside it included."""
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nword\n", encoding="utf-8")
    folder = tmp_path / "google"
    values = google_checkpoint.write(folder, CONFIG, vocabulary, version=version)
    random_ = random.Random(15)
    files = [path for path in sorted(folder.iterdir()) if not path.name.endswith(".meta")]
    messages = []

    for number in range(NUM_MUTATIONS):
        path = files[number % len(files)]
        content = path.read_bytes()
        path.write_bytes(mutate(content, random_))
        try:
            read = read_all(folder, values)
        except InputError as error:
            messages.append(str(error))
        else:
            for name, value in values.items():
                np.testing.assert_array_equal(read[name], value, err_msg=f"{number}: {name}")
        path.write_bytes(content)

    assert len(messages) > NUM_MUTATIONS / 3
    for message in messages:
        # Of weights of other shapes, the message lists each on a line.
        assert "\n" not in message.partition("does not fit the model:")[0]
        assert str(folder) in message
