"""Google's sizes and bert_config.json."""

import json

import pytest

from components.shared.bert.config import ACTIVATIONS, BertConfig
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
    """Fields that say nothing about the network are ignored, and named."""
    text = json.dumps({**BASE, "hidden_act": "gelu", "directionality": "bidi", "author": [1]})

    config = BertConfig.parse(text, source="bert_config.json")

    assert config == BertConfig.preset("base", vocab_size=30522)
    assert config.ignored_fields == ("author", "directionality")
    assert json.loads(config.to_json()).keys() == {
        "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
        "intermediate_size", "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob",
        "max_position_embeddings", "type_vocab_size", "initializer_range",
    }  # fmt: skip
    assert BertConfig.parse(config.to_json(), source="again") == config


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_googles_file_lacks_is_written_and_read_again(activation):
    """The activation, the epsilon and the classifier's dropout of other people's models."""
    fields = {**BASE, "hidden_act": activation, "layer_norm_eps": 1e-7, "classifier_dropout": 0.2}

    config = BertConfig.parse(json.dumps(fields), source="bert_config.json")

    assert (config.hidden_act, config.layer_norm_eps) == (activation, 1e-7)
    assert BertConfig.parse(config.to_json(), source="again") == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"config\.json: line 1, column 2: not JSON"),
        ("[]", r"expected an object, got \[\]"),
        (json.dumps({"vocab_size": 5}), "hidden_size: missing"),
        (json.dumps({**BASE, "num_attention_heads": 7}), "768 is not a multiple of .* 7"),
        (
            json.dumps({**BASE, "hidden_act": "gelu_10"}),
            "hidden_act must be one of gelu, .*gelu_10",
        ),
        (json.dumps({**BASE, "hidden_size": "768"}), 'hidden_size: expected a whole .* "768"'),
        (json.dumps({**BASE, "vocab_size": 10**30}), "vocab_size: expected at most 64 bits"),
        (json.dumps({**BASE, "layer_norm_eps": float("nan")}), "layer_norm_eps: .* finite"),
        (json.dumps({**BASE, "layer_norm_eps": 0}), "layer_norm_eps must be above 0"),
        (json.dumps({**BASE, "type_vocab_size": 1}), "type_vocab_size must be 2 or more"),
        (
            json.dumps({**BASE, "position_embedding_type": "relative_key"}),
            'position_embedding_type "relative_key" is not supported, only "absolute"',
        ),
        (json.dumps({**BASE, "hidden_dropout_prob": 1}), "hidden_dropout_prob"),
    ],
)
def test_a_wrong_file_is_rejected_with_its_name(text, message):
    """Each message names the file and the field."""
    with pytest.raises(InputError, match=message) as error:
        BertConfig.parse(text, source="config.json")

    assert str(error.value).startswith("config.json")
