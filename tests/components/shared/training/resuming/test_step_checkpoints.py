"""States are written while training goes on, the newest are kept, and errors are heard."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import horovod.tensorflow as hvd
import numpy as np
import pytest
import tensorflow as tf

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import PretrainingModel
from components.shared.checkpoints.checkpoint_manifest import write_manifest
from components.shared.errors import DivergedError, InputError
from components.shared.storage.transfers import open_bucket
from components.shared.tokens.tokenization import Tokenization
from components.shared.training.history import History
from components.shared.training.optimizer import make_optimizer
from components.shared.training.resuming.checkpoint_store import FolderStates, open_states
from components.shared.training.resuming.step_checkpoints import StepCheckpoints
from tests.components.faulty_proxy import Fault

BIAS = "cls/seq_relationship/output_bias"


class SlowStates(FolderStates):
    """Writes once it may."""

    may_write = threading.Event()

    def write(self, name, make):
        self.may_write.wait(30)
        super().write(name, make)


class FullStates(FolderStates):
    """A disk with no room."""

    def write(self, name, make):
        raise OSError("No space left on device")


@pytest.fixture
def model() -> PretrainingModel:
    hvd.init()
    config = BertConfig(
        vocab_size=8,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    model = PretrainingModel(config, seed=1)
    model.build()
    return model


@pytest.fixture
def make(model, tmp_path):
    optimizer = make_optimizer("lamb", learning_rate=0.1, num_steps=10, warmup_steps=0)
    optimizer.build(model.trainable_variables)
    trainer = SimpleNamespace(
        task=SimpleNamespace(model=model),
        optimizer=optimizer,
        state=lambda: {},
        set_state=lambda state: None,
    )
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("[PAD]\n", encoding="utf-8")

    def make(states, run: Mapping[str, Any] | None = None) -> StepCheckpoints:
        return StepCheckpoints(
            states,
            trainer=trainer,
            history=History([]),
            run=run or {},
            num_kept=2,
            vocabulary=vocabulary,
            tokenization=Tokenization(lowercase=True),
        )

    return make


def test_a_state_is_that_of_its_step_however_late_it_is_written(make, model, tmp_path):
    """Training changes the weights while the state waits to be written."""
    states = SlowStates(tmp_path / "states")
    steps = make(states)
    model.next_sentence_bias.assign([1.0, 2.0])
    steps.save(5)
    model.next_sentence_bias.assign([3.0, 4.0])
    before = states.names()
    states.may_write.set()
    steps.wait()

    saved = tf.train.load_variable(str(tmp_path / "states/step-00000005/bert_model.ckpt"), BIAS)

    assert before == []
    np.testing.assert_array_equal(saved, [1.0, 2.0])


def test_the_newest_are_kept(make, tmp_path):
    """Two of three; each save waits for the one before."""
    states = FolderStates(tmp_path / "states")
    steps = make(states)

    for step in (5, 10, 15):
        steps.save(step)
    steps.wait()

    assert states.names() == ["step-00000015", "step-00000010"]


def test_an_error_in_writing_is_raised_at_the_next_save(make, tmp_path):
    """Not lost in a thread."""
    steps = make(FullStates(tmp_path / "states"))
    steps.save(5)

    with pytest.raises(OSError, match="No space left"):
        steps.save(10)


def test_weights_that_are_no_numbers_do_not_take_the_place_of_good_ones(make, model, tmp_path):
    """The states before stay; the error names the first such weight and what to try."""
    states = FolderStates(tmp_path / "states")
    steps = make(states)
    steps.save(5)
    model.next_sentence_bias.assign([1.0, np.nan])
    steps.save(10)

    with pytest.raises(DivergedError, match=f"{BIAS} holds .* after step 10, .* learning_rate"):
        steps.wait()

    assert states.names() == ["step-00000005"]


@pytest.mark.parametrize("damaged", ["bert_model.ckpt.index", "checkpoint.json"])
@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_a_damaged_state_in_a_bucket_is_skipped(make, stores, scheme, damaged, tmp_path, capsys):
    """For the one before; a byte of the newest was altered after its upload."""
    place = f"{scheme}://data/run"
    steps = make(open_states(place))
    for step in (5, 10):
        steps.save(step)
    steps.wait()
    bucket, name = open_bucket(place), f"step-00000010/{damaged}"
    bucket.download(name, tmp_path / "file")
    noted = bucket._find(name)
    content = bytearray((tmp_path / "file").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "file").write_bytes(content)
    bucket._store.put(tmp_path / "file", f"run/{name}", sha256=noted.sha256, advance=lambda _: None)

    resumed = make(open_states(place)).restore_newest()

    assert resumed == 5
    assert f"skipped {place}/step-00000010: {place}/{name}: its SHA-256" in (
        capsys.readouterr().err
    )


def test_a_bucket_that_refuses_is_not_taken_for_a_damaged_state(make, stores):
    """The states before it would be refused too, and the run would start anew."""
    states = open_states("s3://data/run")
    steps = make(states)
    steps.save(5)
    steps.wait()
    stores.coming.append(Fault("GET", "step-00000005/", status=403, times=100))

    with pytest.raises(InputError, match="renew the credentials"):
        make(states).restore_newest()


def test_a_state_that_lacks_a_newer_setting_is_resumed(make, tmp_path):
    """The version that wrote it did not record that setting."""
    states = FolderStates(tmp_path / "states")
    before = make(states, {"num_steps": 10, "seed": 1})
    before.save(4)
    before.wait()

    resumed = make(states, {"num_steps": 10, "seed": 1, "architecture": "{}"}).restore_newest()

    assert resumed == 4


def test_a_state_of_other_settings_is_rejected(make, tmp_path):
    """The message names the setting and both values."""
    states = FolderStates(tmp_path / "states")
    before = make(states, {"num_steps": 10, "seed": 1})
    before.save(4)
    before.wait()

    with pytest.raises(InputError, match=r"step-00000004.*seed 1.*has 2"):
        make(states, {"num_steps": 10, "seed": 2}).restore_newest()


@pytest.mark.parametrize("file", ["checkpoint.json", "run.json"])
def test_a_state_of_a_newer_release_is_not_skipped(make, tmp_path, file):
    """The run would go back to an older state, or start anew."""
    states = FolderStates(tmp_path / "states")
    steps = make(states)
    for step in (5, 10):
        steps.save(step)
    steps.wait()
    folder = tmp_path / "states" / "step-00000010"
    edit(folder / file, format_version=2, written_by="kubeflow-bert 9.1.0")
    if file != "checkpoint.json":
        write_manifest_again(folder)

    with pytest.raises(InputError, match=rf"{file}: format_version 2, .* kubeflow-bert 9\.1\.0"):
        make(states).restore_newest()


def test_a_state_of_another_release_is_the_same_runs(make, tmp_path):
    """Its name in the state is no setting."""
    states = FolderStates(tmp_path / "states")
    steps = make(states, {"seed": 1})
    steps.save(5)
    steps.wait()
    folder = tmp_path / "states" / "step-00000005"
    edit(folder / "run.json", written_by="kubeflow-bert 0.0.9")
    write_manifest_again(folder)

    assert make(states, {"seed": 1}).restore_newest() == 5


def edit(path: Path, **fields) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | fields), encoding="utf-8")


def write_manifest_again(folder: Path) -> None:
    (folder / "checkpoint.json").unlink()
    write_manifest(folder, step=None)
