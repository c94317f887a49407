"""Google's sizes and bert_config.json."""

import json

import pytest

from components.shared.bert.config import BertConfig
from components.shared.errors import InputError

BASE = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}


@pytest.mark.parametrize(
    ("preset", "layers", "hidden", "heads"),
    [
        ("tiny", 2, 128, 2),
        ("mini", 4, 256, 4),
        ("small", 4, 512, 8),
        ("medium", 8, 512, 8),
        ("base", 12, 768, 12),
        ("large", 24, 1024, 16),
    ],
)
def test_presets_are_googles_sizes(preset, layers, hidden, heads):
    """Layers, width and heads of each released size."""
    config = BertConfig.preset(preset, vocab_size=30522)

    assert (config.num_hidden_layers, config.hidden_size) == (layers, hidden)
    assert (config.num_attention_heads, config.intermediate_size) == (heads, 4 * hidden)


def test_googles_file_is_read_and_written():
    """Fields that say nothing about the network are passed over."""
    text = json.dumps({**BASE, "hidden_act": "gelu", "directionality": "bidi"})

    config = BertConfig.parse(text, source="bert_config.json")

    assert config == BertConfig.preset("base", vocab_size=30522)
    assert BertConfig.parse(config.to_json(), source="again") == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"config\.json, line 1: not JSON"),
        ("[]", "expected a JSON object"),
        (json.dumps({**BASE, "hidden": 1}), "unknown field 'hidden'"),
        (json.dumps({"vocab_size": 5}), "missing .*'hidden_size'"),
        (json.dumps({**BASE, "num_attention_heads": 7}), "768 is not a multiple of .* 7"),
        (json.dumps({**BASE, "hidden_act": "relu"}), "hidden_act must be gelu"),
        (json.dumps({**BASE, "hidden_size": "768"}), "hidden_size must be a whole number"),
        (json.dumps({**BASE, "hidden_dropout_prob": 1}), "hidden_dropout_prob"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(text, message):
    """Each message names the file and the field."""
    with pytest.raises(InputError, match=message) as error:
        BertConfig.parse(text, source="config.json")

    assert str(error.value).startswith("config.json")
