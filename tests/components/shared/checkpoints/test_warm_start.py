"""Starting from checkpoints that others made: what fits is taken, the rest is listed."""

from pathlib import Path

import horovod.tensorflow as hvd
import keras
import numpy as np
import pytest
import tensorflow as tf

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import ClassifierModel, PretrainingModel, SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, write_checkpoint
from components.shared.checkpoints.checkpoint_manifest import write_untrained
from components.shared.checkpoints.warm_start import start_from
from components.shared.errors import InputError
from components.shared.tokens.tokenization import Tokenization
from tests.components.shared.bert import google_checkpoint

CONFIG = BertConfig(
    vocab_size=6,
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=12,
)


@pytest.fixture
def vocabulary(tmp_path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nword\n", encoding="utf-8")
    return path


def build(model_class, config=CONFIG, **settings):
    hvd.init()
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy("float32")
    model = model_class(config, seed=1, **settings)
    model.build()
    return model


V1, V2 = tf.compat.v1.train.SaverDef.V1, tf.compat.v1.train.SaverDef.V2


@pytest.mark.parametrize("version", [V1, V2])
def test_googles_checkpoint_starts_a_pretraining(tmp_path, vocabulary, capsys, version):
    """All weights; the optimizer's slots are left out, and said so. Both formats of Savers."""
    folder = tmp_path / "uncased_L-2_H-8_A-2"
    values = google_checkpoint.write(folder, CONFIG, vocabulary, version=version)
    model = build(PretrainingModel)

    start_from(Checkpoint.read(folder), model)

    named = named_variables(model)
    assert named.keys() == values.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(named[name].numpy(), value)
    log = capsys.readouterr().err
    assert f"{len(values)} variables taken" in log
    assert f"*/adam_m ({len(values)}), */adam_v ({len(values)}), global_step" in log
    assert "not used" not in log


def test_fine_tuning_lists_its_new_head_and_those_not_used(tmp_path, vocabulary, capsys):
    """The encoder is Google's, the head its own."""
    folder = tmp_path / "google"
    values = google_checkpoint.write(folder, CONFIG, vocabulary)
    model = build(SpanModel)
    head = model.output_weights.numpy()

    start_from(Checkpoint.read(folder), model)

    pooler = "bert/pooler/dense/kernel"
    np.testing.assert_array_equal(model.bert.pooler.kernel.numpy(), values[pooler])
    np.testing.assert_array_equal(model.output_weights.numpy(), head)
    log = capsys.readouterr().err
    assert "new, with random weights: cls/squad/output_weights, cls/squad/output_bias" in log
    assert "not used: cls/predictions/output_bias, cls/predictions/transform/LayerNorm/beta" in log


def test_a_classifier_starts_from_googles_checkpoint(tmp_path, vocabulary, capsys):
    """Encoder and pooler are Google's, the head its own, under the names of run_classifier."""
    folder = tmp_path / "google"
    values = google_checkpoint.write(folder, CONFIG, vocabulary)
    model = build(ClassifierModel, num_labels=3)

    start_from(Checkpoint.read(folder), model, labels=("a", "b", "c"))

    pooler = "bert/pooler/dense/kernel"
    np.testing.assert_array_equal(model.bert.pooler.kernel.numpy(), values[pooler])
    assert "new, with random weights: output_weights, output_bias" in capsys.readouterr().err


def test_a_model_without_weights_keeps_those_it_was_made_with(tmp_path, vocabulary):
    """Only where the caller says that this will do: a pretrained model has weights."""
    write_untrained(tmp_path / "untrained", CONFIG, vocabulary, Tokenization(lowercase=False))
    model = build(SpanModel)
    before = model.bert.pooler.kernel.numpy()

    checkpoint = Checkpoint.read(tmp_path / "untrained", may_be_untrained=True)
    start_from(checkpoint, model)

    assert (checkpoint.config, checkpoint.tokenization.lowercase) == (CONFIG, False)
    np.testing.assert_array_equal(model.bert.pooler.kernel.numpy(), before)
    with pytest.raises(InputError, match="no bert_model.ckpt.index in it"):
        Checkpoint.read(tmp_path / "untrained")


def test_a_fine_tuned_head_is_gone_on_with(tmp_path, vocabulary):
    """SQuAD 2.0 after SQuAD 1.1, say."""
    before = build(SpanModel)
    before.output_weights.assign(np.full(before.output_weights.shape, 3.0))
    write_checkpoint(
        tmp_path / "tuned",
        model=before,
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
    )
    model = build(SpanModel)

    start_from(Checkpoint.read(tmp_path / "tuned"), model)

    assert np.all(model.output_weights.numpy() == 3.0)


MISFITS = {
    "missing": ({"without": "bert/pooler/dense/bias"}, "bert/pooler/dense/bias: missing"),
    "other shape": (
        {"more": {"bert/pooler/dense/bias": (9,)}},
        r"bert/pooler/dense/bias: shape \[9\], the model's is \[8\]",
    ),
    "a layer too many": (
        {"more": {"bert/encoder/layer_2/output/dense/bias": (8,)}},
        "bert/encoder/layer_2/output/dense/bias: not in the model",
    ),
}


@pytest.mark.parametrize("model_class", [PretrainingModel, SpanModel])
@pytest.mark.parametrize("misfit", MISFITS)
def test_a_misfit_is_an_error(tmp_path, vocabulary, model_class, misfit):
    """It names the variable; the model keeps its own weights."""
    changes, message = MISFITS[misfit]
    google_checkpoint.write(tmp_path / "google", CONFIG, vocabulary, **changes)
    model = build(model_class)
    before = model.bert.pooler.kernel.numpy()

    with pytest.raises(InputError, match=message):
        start_from(Checkpoint.read(tmp_path / "google"), model)

    np.testing.assert_array_equal(model.bert.pooler.kernel.numpy(), before)


def test_what_is_unknown_is_listed(tmp_path, vocabulary, capsys):
    """Another task's head does no harm."""
    google_checkpoint.write(
        tmp_path / "google", CONFIG, vocabulary, more={"output_weights": (3, 8)}
    )

    start_from(Checkpoint.read(tmp_path / "google"), build(PretrainingModel))

    assert "not used: output_weights\n" in capsys.readouterr().err


def test_pretraining_draws_the_heads_that_were_lost(tmp_path, vocabulary, capsys):
    """A fine-tuned checkpoint has none of them: each is listed, and the encoder is taken."""
    tuned, source = tmp_path / "tuned", build(SpanModel)
    source.bert.pooler.kernel.assign(np.full((8, 8), 0.5))
    write_checkpoint(
        tuned, model=source, vocabulary=vocabulary, tokenization=Tokenization(lowercase=True)
    )
    model = build(PretrainingModel)
    before = model.next_sentence_weights.numpy()

    start_from(Checkpoint.read(tuned), model)

    said = capsys.readouterr().err
    assert "new, with random weights: cls/predictions/" in said
    assert "cls/seq_relationship/output_weights" in said
    np.testing.assert_array_equal(model.bert.pooler.kernel.numpy(), np.full((8, 8), 0.5))
    np.testing.assert_array_equal(model.next_sentence_weights.numpy(), before)


def test_half_a_head_is_an_error(tmp_path, vocabulary):
    """Something has cut it."""
    google_checkpoint.write(
        tmp_path / "google", CONFIG, vocabulary, without="cls/predictions/output_bias"
    )

    with pytest.raises(InputError, match="cls/predictions/output_bias: missing"):
        start_from(Checkpoint.read(tmp_path / "google"), build(PretrainingModel))


def test_googles_saver_restores_what_this_project_writes(tmp_path, vocabulary):
    """TensorFlow 1's Saver, in a graph with Google's names."""
    model = build(PretrainingModel)
    write_checkpoint(
        tmp_path / "ours",
        model=model,
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
    )

    values = google_checkpoint.read(tmp_path / "ours", list(google_checkpoint.shapes(CONFIG)))

    for name, variable in named_variables(model).items():
        np.testing.assert_array_equal(values[name], variable.numpy())


@pytest.mark.parametrize(("word", "lowercase"), [("word", True), ("Word", False)])
def test_the_vocabulary_says_whether_text_is_lower_cased(tmp_path, word, lowercase):
    """Google's folders hold no other word on it."""
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text(f"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n{word}\n", encoding="utf-8")
    google_checkpoint.write(tmp_path / "google", CONFIG, vocabulary)

    assert Checkpoint.read(tmp_path / "google").tokenization.lowercase is lowercase


def test_a_folder_around_the_checkpoint_is_told_from_it(tmp_path, vocabulary):
    """As unzipping into a new folder leaves it."""
    google_checkpoint.write(tmp_path / "zip" / "uncased", CONFIG, vocabulary)

    with pytest.raises(InputError, match=f"{tmp_path}/zip/uncased looks like one"):
        Checkpoint.read(tmp_path / "zip")
