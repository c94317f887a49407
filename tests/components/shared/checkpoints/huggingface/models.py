"""Small models of transformers that this project has exported."""

import json

import horovod.tensorflow as hvd
import keras

from components.shared.bert.config import BertConfig

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "über", "uber", "東", "##京", "Über"]
CONFIG = BertConfig(
    vocab_size=len(PIECES),
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=12,
)


def build(model_class, seed=1, config=CONFIG, **settings):
    hvd.init()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy("float32")
    model = model_class(config, seed=seed, **settings)
    model.build()
    return model


def change(path, **fields):
    document = json.loads(path.read_text("utf-8")) | fields
    path.write_text(json.dumps(document), encoding="utf-8")
