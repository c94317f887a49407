"""The whole stage: it learns, and refuses what can't work."""

import gzip
import json

import numpy as np
import pytest

from components.pretrain.batches import expand_rows
from components.pretrain.masking import mask_tokens
from components.shared.bert.config import BertConfig
from components.shared.dataset.google_records import Instance, encode_instance
from components.shared.dataset.packed_rows import PackedRow
from components.shared.tokens.vocabulary import Vocabulary
from tests.components.pretrain.stage import CONFIG
from tests.components.shared.bert import google_checkpoint
from tests.records import write_records


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(make_stage):
    """Without dropout the losses agree: the global batch and its masks are the same."""
    without_dropout = json.dumps(
        json.loads(CONFIG) | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    )
    one, two = make_stage("one"), make_stage("two")

    for stage, num_processes in ((one, 1), (two, 2)):
        done = stage.run(bert_config=without_dropout, num_processes=num_processes)
        assert done.returncode == 0, done.stderr

    losses = [[entry["loss"] for entry in stage.history()] for stage in (one, two)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-3)
    assert "30 of 30 steps" in done.stderr


@pytest.mark.slow
def test_accumulation_gives_what_one_large_batch_gives(make_stage):
    """Four micro-batches of 4 are one batch of 16."""
    without_dropout = json.dumps(
        json.loads(CONFIG) | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    )
    large, small = make_stage("large"), make_stage("small")

    for stage, size in ((large, 16), (small, 4)):
        done = stage.run(bert_config=without_dropout, micro_batch_size=size, num_steps=10)
        assert done.returncode == 0, done.stderr

    losses = [[entry["loss"] for entry in stage.history()] for stage in (large, small)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


@pytest.mark.long
def test_compressed_gradients_teach_nearly_the_same(make_stage):
    """Two processes exchange float16; the sums stay close, and the scale is in the history."""
    plain, compressed = make_stage("plain"), make_stage("compressed")

    for stage, compress in ((plain, "false"), (compressed, "true")):
        done = stage.run(num_processes=2, compress_gradients=compress)
        assert done.returncode == 0, done.stderr

    losses = [[entry["loss"] for entry in stage.history()] for stage in (plain, compressed)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=5e-3)
    assert losses[0] != losses[1]
    assert compressed.history()[-1]["loss_scale"] == 2**16
    assert json.loads((compressed.output / "metrics.json").read_text())["skipped_steps"] == 0


@pytest.mark.slow
def test_googles_records_train(make_stage, vocabulary_path, tmp_path):
    """A folder without dataset.json, one file of it compressed, on two processes."""
    generator = np.random.default_rng(0)
    folder = tmp_path / "google"
    folder.mkdir()
    for number in range(2):
        records = [counting_instance(generator, vocabulary_path) for _ in range(100)]
        write_records(folder / f"{number}.tfrecord", records)
    compressed = gzip.compress((folder / "0.tfrecord").read_bytes())
    (folder / "0.tfrecord").write_bytes(compressed)
    stage = make_stage()

    done = stage.run(
        dataset=folder, num_steps=250, learning_rate=0.02, num_processes=2, log_every_steps=25
    )

    assert done.returncode == 0, done.stderr
    first, last = stage.history()[0], stage.history()[-1]
    assert last["masked_lm_loss"] < first["masked_lm_loss"] - 0.5


def counting_instance(generator, vocabulary_path) -> bytes:
    """After piece n comes n + 1; masked beforehand, as Google's script does."""
    start = generator.integers(0, 59)
    pieces = [5 + (start + i) % 59 for i in range(25)]
    row = PackedRow([2, *pieces[:12], 3, *pieces[12:], 3], [28], [14], [0])
    arrays = expand_rows([row], length=32)
    masked = mask_tokens(
        arrays["token_ids"],
        arrays["sequence_ids"],
        row_ids_B=np.array([start]),
        epoch=0,
        seed=1,
        vocabulary=Vocabulary.read(vocabulary_path),
        mask_rate=0.15,
        max_predictions=5,
    )
    return encode_instance(
        Instance(
            input_ids=masked.token_ids_BL[0].tolist(),
            input_mask=arrays["sequence_ids"][0].tolist(),
            segment_ids=arrays["segment_ids"][0].tolist(),
            masked_lm_positions=masked.positions_BP[0].tolist(),
            masked_lm_ids=masked.targets_BP[0].tolist(),
            masked_lm_weights=masked.weights_BP[0].tolist(),
            next_sentence_labels=[0],
        )
    )


@pytest.mark.long
def test_counting_is_learned(make_stage):
    """The masked piece lies between its neighbors: the loss falls from ln 64 = 4.16."""
    stage = make_stage()

    done = stage.run(num_steps=400, learning_rate=0.02, log_every_steps=20)

    assert done.returncode == 0, done.stderr
    first, last = stage.history()[0], stage.history()[-1]
    assert first["masked_lm_loss"] == pytest.approx(np.log(64), abs=0.3)
    assert last["masked_lm_loss"] < 2.5
    assert last["masked_lm_accuracy"] > 0.2


@pytest.mark.slow
@pytest.mark.parametrize(
    "precision", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.long)]
)
def test_half_precision_trains(make_stage, precision):
    """The loss falls from ln 64 = 4.16; with float16 through the loss scale."""
    stage = make_stage()

    done = stage.run(precision=precision, num_steps=250, learning_rate=0.02)

    assert done.returncode == 0, done.stderr
    assert stage.history()[-1]["masked_lm_loss"] < 3.7


@pytest.mark.long
def test_a_step_that_xla_compiles_whole_teaches_the_same(make_stage):
    """As on a V100, dropout and loss scale on; the losses differ by rounding alone."""
    plain, compiled = make_stage("plain"), make_stage("compiled")

    for stage, xla in ((plain, "off"), (compiled, "on")):
        done = stage.run(xla=xla, precision="mixed_float16", num_steps=10, micro_batch_size=8)
        assert done.returncode == 0, done.stderr

    np.testing.assert_allclose(compiled.losses(), plain.losses(), rtol=1e-2)


@pytest.mark.long
def test_phase_2_starts_from_phase_1(make_stage):
    """The first loss of the second run is near the last of the first, not near ln 64."""
    first, second = make_stage("first"), make_stage("second")
    assert first.run(num_steps=300, learning_rate=0.02).returncode == 0

    done = second.run(initial_checkpoint=first.output / "checkpoint", num_steps=5)

    assert done.returncode == 0, done.stderr
    last, new = first.history()[-1], second.history()[0]
    assert new["masked_lm_loss"] < last["masked_lm_loss"] + 0.5


@pytest.mark.slow
def test_a_wrong_input_ends_with_its_message_and_no_output(make_stage, tmp_path):
    """Exit status 2, one line, and no folder that the next stage could take for whole."""
    stage = make_stage()

    done = stage.run(dataset=tmp_path / "nothing", num_processes=2)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"pretrain: error: {tmp_path / 'nothing'}: no dataset.json in it, so this is not a whole "
        "dataset; run the preprocess stage again"
    )
    assert not (stage.output / "checkpoint").exists()


@pytest.mark.slow
@pytest.mark.parametrize("num_processes", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_training_that_diverges_ends_with_what_to_try(make_stage, num_processes):
    """Exit status 1, one line without a traceback, and no weights that are no numbers."""
    stage = make_stage()

    done = stage.run(num_processes=num_processes, optimizer="adamw", learning_rate=1e30)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "pretrain: error: Pretraining at length 32: the loss is nan at step 5; try a smaller "
        "learning_rate than 1e+30, a larger warmup_rate, or precision float32"
    )
    assert "Traceback" not in done.stderr
    assert not (stage.output / "checkpoint").exists()


@pytest.mark.slow
def test_googles_checkpoint_starts_a_run(make_stage, vocabulary_path, tmp_path):
    """Through the command line; the log says what was taken and what was left."""
    folder = tmp_path / "google"
    config = BertConfig.parse(CONFIG, source="test")
    values = google_checkpoint.write(folder, config, vocabulary_path)
    stage = make_stage()

    done = stage.run(initial_checkpoint=folder, num_steps=1, learning_rate=1e-12)

    assert done.returncode == 0, done.stderr
    assert f"{folder}: {len(values)} variables taken" in done.stderr
    assert "left out, of the training that made it: *" in done.stderr
    for name, value in values.items():
        np.testing.assert_allclose(stage.weights()[name], value, atol=1e-6)


@pytest.mark.slow
def test_a_checkpoint_that_does_not_fit_ends_the_run(make_stage, vocabulary_path, tmp_path):
    """Status 2 and the variable's name; another vocabulary of the same size is found too."""
    config = BertConfig.parse(CONFIG, source="test")
    lacking, other = tmp_path / "lacking", tmp_path / "other"
    google_checkpoint.write(lacking, config, vocabulary_path, without="cls/predictions/output_bias")
    google_checkpoint.write(other, config, vocabulary_path)
    (other / "vocab.txt").write_text(vocabulary_path.read_text("utf-8").replace("w7", "x7"))

    without = make_stage().run(initial_checkpoint=lacking)
    others = make_stage().run(initial_checkpoint=other)

    assert (without.returncode, others.returncode) == (2, 2)
    assert "cls/predictions/output_bias: missing" in without.stderr
    assert f"{other}/vocab.txt: differs from" in others.stderr


@pytest.mark.parametrize("setting", ["checkpoint_directory", "tensorboard_directory", "checkpoint"])
def test_a_place_that_can_not_be_written_is_told_before_the_training(make_stage, setting):
    """Once, in one line: no restart would find another."""
    done = make_stage().run(**{setting: "/dev/null/place"})

    assert done.returncode == 2
    assert done.stderr.startswith("pretrain: error: /dev/null/place")
    assert done.stderr.endswith(": /dev/null is not a folder; give the output another path\n")
