"""What the folder of a transformers model says of its network and its tokenizer."""

import json

import pytest

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import ClassifierModel, PretrainingModel, SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint, write_checkpoint
from components.shared.checkpoints.huggingface_export import ExportConfig, export
from components.shared.checkpoints.warm_start import start_from
from components.shared.errors import InputError
from components.shared.tokens.tokenization import Tokenization
from tests.components.shared.checkpoints.huggingface.models import CONFIG, build, change


@pytest.mark.parametrize(
    ("theirs", "ours", "exported"),
    [
        ("gelu", "gelu_erf", "gelu"),
        ("gelu_python", "gelu_erf", "gelu"),
        ("gelu_new", "gelu", "gelu_new"),
        ("gelu_pytorch_tanh", "gelu", "gelu_new"),
        ("relu", "relu", "relu"),
        ("swish", "silu", "silu"),
    ],
)
def test_the_activation_is_the_one_that_transformers_means(
    folder, tmp_path, theirs, ours, exported
):
    """Through a checkpoint of this project and back."""
    change(folder / "config.json", hidden_act=theirs, layer_norm_eps=1e-5)
    checkpoint = Checkpoint.read(folder)
    write_checkpoint(
        tmp_path / "tuned",
        model=build(SpanModel, config=checkpoint.config),
        vocabulary=folder / "vocab.txt",
        tokenization=checkpoint.tokenization,
    )

    export(ExportConfig(checkpoint=tmp_path / "tuned", output=tmp_path / "again"))

    assert checkpoint.config.hidden_act == ours
    assert Checkpoint.read(tmp_path / "tuned").config == checkpoint.config
    written = json.loads((tmp_path / "again" / "config.json").read_text("utf-8"))
    assert (written["hidden_act"], written["layer_norm_eps"]) == (exported, 1e-5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_act": "gelu_10"}, "hidden_act must be one of .*, got 'gelu_10'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type .*relative_key"),
        ({"is_decoder": True}, "is_decoder true is not supported"),
        ({"add_cross_attention": True}, "add_cross_attention true"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings false"),
        ({"pruned_heads": {"0": [1]}}, "pruned_heads"),
        ({"pad_token_id": 3}, "pad_token_id 3 is not supported, only 0"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"problem_type": "regression"}, "problem_type"),
        ({"type_vocab_size": 1}, "type_vocab_size must be 2 or more"),
        ({"layer_norm_eps": "1e-12"}, "layer_norm_eps: expected a finite number"),
        ({"vocab_size": 9}, "10 word pieces, but the model has vectors for vocab_size 9"),
        ({"vocab_size": 99_999_999}, r"word_embeddings: shape \[10, 8\], its config says \[9999"),
        ({"num_hidden_layers": 10**9}, "layer_2/intermediate/dense/kernel: missing"),
    ],
)
def test_a_network_that_is_another_is_rejected_by_the_fields_name(folder, fields, message):
    """Before a model of the wrong size is made."""
    change(folder / "config.json", **fields)

    with pytest.raises(InputError, match=message):
        Checkpoint.read(folder)


def test_fields_that_change_nothing_are_named_in_the_log(folder, capsys):
    """Such as those of an author's own tools."""
    change(folder / "config.json", gradient_checkpointing=False, lab="ours", use_cache=True)

    start_from(Checkpoint.read(folder), build(PretrainingModel))

    assert "config.json: ignored: gradient_checkpointing, lab\n" in capsys.readouterr().err


def test_the_classifiers_dropout_is_obeyed(folder):
    """Otherwise it is that of the hidden states."""
    change(folder / "config.json", classifier_dropout=0.25)

    model = build(ClassifierModel, num_labels=2, config=Checkpoint.read(folder).config)

    assert model._dropout.draw(training=True)[0] == 0.25
    assert build(ClassifierModel, num_labels=2)._dropout.draw(training=True)[0] == 0.1


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ({"do_lower_case": True}, [6, 7, 8]),
        ({"do_lower_case": True, "strip_accents": False}, [5, 7, 8]),
        ({"do_lower_case": False}, [9, 7, 8]),
        ({"do_lower_case": False, "strip_accents": True}, [1, 7, 8]),
    ],
)
def test_text_is_cut_as_the_folder_says(folder, fields, ids):
    """Also after a fine-tuning has written the settings beside its own weights."""
    change(folder / "tokenizer_config.json", tokenize_chinese_chars=False, **fields)
    initial = Checkpoint.read(folder)
    write_checkpoint(
        folder.parent / "tuned",
        model=build(SpanModel),
        vocabulary=folder / "vocab.txt",
        tokenization=initial.tokenization,
    )

    for checkpoint in (initial, Checkpoint.read(folder.parent / "tuned")):
        assert checkpoint.make_tokenizer().encode_batch(["Über 東京"]) == [ids]


def test_chinese_characters_are_words_by_default(folder):
    """東 and 京 are looked up apart, and 京 alone is no piece."""
    assert Checkpoint.read(folder).make_tokenizer().encode_batch(["東京"]) == [[7, 1]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tokenizer_class": "BertJapaneseTokenizer"}, "tokenizer_class"),
        ({"do_basic_tokenize": False}, "do_basic_tokenize false is not supported, only true"),
        ({"never_split": ["[X]"]}, r'never_split \["\[X\]"\]'),
        ({"padding_side": "left"}, "padding_side"),
        ({"unk_token": "<unk>"}, r"unk_token must be \[UNK\], .*<unk>"),
        ({"additional_special_tokens": ["[ENT]"]}, "additional_special_tokens"),
        ({"added_tokens_decoder": {"9": {"content": "[ENT]"}}}, r"added token \"\[ENT\]\""),
        ({"strip_accents": "yes"}, "strip_accents: expected true or false or null"),
        ({"do_lower_case": 1}, "do_lower_case: expected true or false or null, got 1"),
    ],
)
def test_a_tokenizer_that_is_another_is_rejected_by_the_fields_name(folder, fields, message):
    """Its ids would be of other word pieces."""
    change(folder / "tokenizer_config.json", **fields)

    with pytest.raises(InputError, match=message) as error:
        Checkpoint.read(folder)

    assert "tokenizer_config.json" in str(error.value)


@pytest.mark.parametrize(
    ("name", "document", "message"),
    [
        ("added_tokens.json", {"[ENT]": 10}, r'the added token "\[ENT\]" is not supported'),
        (
            "tokenizer.json",
            {"added_tokens": [{"id": 0, "content": "[PAD]"}, {"id": 10, "content": "[ENT]"}]},
            r'the added token "\[ENT\]" is not supported',
        ),
        (
            "special_tokens_map.json",
            {"additional_special_tokens": ["[ENT]"]},
            r'additional_special_tokens \["\[ENT\]"\] is not supported',
        ),
        (
            "special_tokens_map.json",
            {"cls_token": {"content": "<s>"}},
            r"cls_token must be \[CLS\], .*<s>",
        ),
        ("tokenizer.json", {"added_tokens": {}}, "added_tokens: expected a list, got {}"),
    ],
)
def test_tokens_in_a_file_of_their_own_are_rejected(folder, name, document, message):
    """Version 5 of transformers keeps them in tokenizer.json, others in the other two."""
    (folder / name).write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(InputError, match=f"{name}: {message}"):
        Checkpoint.read(folder)


def test_tokens_that_are_written_as_objects_are_known(folder):
    """As older versions of transformers write them."""
    tokens = {"unk_token": {"content": "[UNK]", "lstrip": False}, "pad_token": "[PAD]"}
    decoder = {"0": {"content": "[PAD]", "special": True}}
    change(folder / "tokenizer_config.json", **tokens, added_tokens_decoder=decoder)

    assert Checkpoint.read(folder).tokenization == Tokenization(lowercase=True)


def test_a_vocabulary_smaller_than_the_padded_table_is_read(tmp_path, vocabulary):
    """30,528 rows for 30,522 pieces, say: a multiple of 8 or 64 is faster."""
    padded = BertConfig(**{**CONFIG.fields(), "vocab_size": 16})
    write_checkpoint(
        tmp_path / "tuned",
        model=build(SpanModel, config=padded),
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
    )
    export(ExportConfig(checkpoint=tmp_path / "tuned", output=tmp_path / "exported"))

    for folder in ("tuned", "exported"):
        checkpoint = Checkpoint.read(tmp_path / folder)
        assert (checkpoint.config.vocab_size, len(checkpoint.vocabulary)) == (16, 10)
