"""An update: the gradient of the whole global batch, clipped once, made by all or by none."""

import json
from pathlib import Path
from types import SimpleNamespace

import horovod.tensorflow as hvd
import keras
import numpy as np
import pytest

from components.shared.errors import DivergedError
from components.shared.processes import distributed
from components.shared.processes.launcher import run_on_processes
from components.shared.processes.termination import Termination
from components.shared.training import trainer as trainer_module
from components.shared.training.history import History
from components.shared.training.micro_batches import MicroBatch
from components.shared.training.trainer import Trainer, TrainerSettings
from tests.clock import LeapingClock

V100 = "Tesla V100-SXM2-16GB"
SETTINGS = {
    "label": "Test",
    "num_steps": 1,
    "learning_rate": 0.1,
    "warmup_steps": 0,
    "optimizer": "lamb",
    "precision": "float32",
    "xla": "off",
    "compress_gradients": False,
    "seed": 1,
    "log_every_steps": 1,
    "checkpoint_every_steps": 1000,
}


class LinearTask:
    """A loss whose gradient is the mean of the batch's x."""

    def __init__(self) -> None:
        self.weight = keras.Variable(np.ones(2, np.float32), name="kernel")
        generator = keras.random.SeedGenerator(1)
        bert = SimpleNamespace(seed_generator=generator)
        self.model = SimpleNamespace(trainable_variables=[self.weight], bert=bert)

    def sums(self, arrays):
        loss = keras.ops.sum(arrays["x"] * self.weight)
        return {"a_loss": loss, "a_accuracy": keras.ops.zeros(())}

    def flops(self, arrays):
        return 6 * arrays["x"].size


@pytest.fixture(scope="module", autouse=True)
def _horovod():
    hvd.init()


@pytest.fixture
def make_trainer():
    def make(task=None, **changes) -> Trainer:
        return Trainer(task or LinearTask(), TrainerSettings(**(SETTINGS | changes)))

    return make


def micro_batch(*rows) -> MicroBatch:
    return MicroBatch(
        {"x": np.array(rows, np.float32)},
        {"a": float(len(rows))},
        num_sequences=len(rows),
        num_tokens=1,
        num_positions=4,
    )


def run(trainer, batches) -> History:
    history = History([])
    trainer.run(batches.__getitem__, first_step=0, history=history, save=lambda step: None)
    return history


@pytest.mark.parametrize("cut", [1, 2], ids=["one micro-batch", "two micro-batches"])
def test_the_gradient_of_the_whole_batch_is_clipped_not_that_of_each_micro_batch(make_trainer, cut):
    """Mean (30, 40), norm 50, clipped (0.6, 0.8); clipped one by one it would be (1, 1)."""
    trainer = make_trainer()
    trainer.optimizer = keras.optimizers.SGD(1.0, global_clipnorm=1.0)
    trainer.optimizer.build(trainer.task.model.trainable_variables)
    rows = [[60, 0], [0, 80]]

    run(trainer, [[micro_batch(*rows)] if cut == 1 else [micro_batch(row) for row in rows]])

    np.testing.assert_allclose(trainer.task.weight.numpy(), [1 - 0.6, 1 - 0.8], rtol=1e-5)


@pytest.mark.parametrize("optimizer", ["lamb", "adamw"])
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_compiled_optimizer_makes_the_same_steps(make_trainer, monkeypatch, optimizer, precision):
    """On a CPU, where the model is large, only its order of additions may differ."""
    monkeypatch.setattr(trainer_module, "_WORTH_COMPILING", 2)
    settings = {"optimizer": optimizer, "precision": precision, "num_steps": 5}
    trainers = [make_trainer(**settings, xla=xla) for xla in ("off", "auto")]
    batches = [[micro_batch([step, -1]), micro_batch([2, 3 - step])] for step in range(5)]

    for trainer in trainers:
        run(trainer, batches)

    plain, compiled = (
        [one.numpy() for one in (trainer.task.weight, *trainer.optimizer.variables)]
        for trainer in trainers
    )
    assert [is_compiled(trainer) for trainer in trainers] == [False, True]
    assert plain[0].tolist() != [1, 1]
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-6)


def test_the_optimizer_of_a_small_model_is_not_compiled(make_trainer):
    """Compiling would take longer than it saves."""
    trainer = make_trainer(xla="auto")

    run(trainer, [[micro_batch([1, 2])]])

    assert not is_compiled(trainer)


def is_compiled(trainer) -> bool:
    return bool(trainer._apply._jit_compile)


@pytest.mark.parametrize(
    "changes", [{"precision": "mixed_float16"}, {"compress_gradients": True}], ids=str
)
def test_a_step_whose_gradient_overflows_is_skipped_and_counted(make_trainer, changes):
    """The weights stay, the optimizer's count too, the scale is halved, the loss is known."""
    trainer = make_trainer(num_steps=3, **changes)
    batches = [[micro_batch(row)] for row in ([1, 1], [1, 1e38], [1, 1])]

    history = run(trainer, batches)

    assert [entry["skipped_steps"] for entry in history.entries] == [0, 1, 1]
    assert [entry["loss_scale"] for entry in history.entries] == [2**16, 2**15, 2**15]
    assert int(trainer.optimizer.iterations.numpy()) == 2
    assert history.summary()["skipped_steps"] == 1
    # The rate goes on where it was: 0.1 * (1 - 1/3) ** 0.5 in the third step.
    rates = [entry["learning_rate"] for entry in history.entries]
    assert rates[1] == pytest.approx(rates[2]) == pytest.approx(0.1 * (2 / 3) ** 0.5)


def overflow_on_rank_1(folder: Path) -> None:
    distributed.initialize(seed=1, precision="mixed_float16")
    trainer = Trainer(
        LinearTask(), TrainerSettings(**SETTINGS | {"num_steps": 3, "precision": "mixed_float16"})
    )
    rank = distributed.rank()
    exchange, exchanged = hvd.grouped_allreduce, []

    def count(tensors, **arguments):
        exchanged.append(len(tensors))
        return exchange(tensors, **arguments)

    hvd.grouped_allreduce = count

    rows = [[1, 1], [1, (1, 1e38)[rank]], [1, 1]]
    history = run(trainer, [[micro_batch(row), micro_batch(row)] for row in rows])

    seen = {
        "skipped": [entry["skipped_steps"] for entry in history.entries],
        "scale": trainer.loss_scale.value,
        "iterations": int(trainer.optimizer.iterations.numpy()),
        "weight": trainer.task.weight.numpy().tolist(),
        "exchanged": exchanged,
    }
    (folder / f"{rank}.json").write_text(json.dumps(seen))


@pytest.mark.slow
def test_an_overflow_on_one_process_has_all_skip_the_step(tmp_path):
    """Both count it, halve the scale, have equal weights; gradients travel once an update."""
    run_on_processes(
        2, overflow_on_rank_1, tmp_path, hang_timeout_seconds=30, termination=Termination()
    )

    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert (first["skipped"], first["scale"], first["iterations"]) == ([0, 1, 1], 2**15, 2)
    assert first["weight"] != [1, 1]
    # An update has two micro-batches and two exchanges: of its counts; of gradient and sums.
    assert first["exchanged"] == [1, 2] * 3


def test_a_line_of_the_history_holds_no_skipped_infinity(make_trainer):
    """An overflow on the way forward belongs to the skipped step, not to the mean."""
    trainer = make_trainer(num_steps=2, log_every_steps=2, precision="mixed_float16")

    (entry,) = run(trainer, [[micro_batch([1, 1])], [micro_batch([np.inf, 1])]]).entries

    assert entry["loss"] == pytest.approx(2)


def test_twenty_skipped_steps_in_a_row_end_the_run(make_trainer):
    """With what to try; nineteen do not."""
    trainer = make_trainer(num_steps=40, log_every_steps=40, precision="mixed_float16")
    good, bad = [micro_batch([1, 1])], [micro_batch([1, np.inf])]

    with pytest.raises(DivergedError, match="20 steps in a row .* smaller learning_rate"):
        run(trainer, [*[bad] * 19, good, *[bad] * 20])

    assert trainer.loss_scale.num_skipped == 39


def test_the_loss_scale_resumes_from_its_state(make_trainer):
    """Also how many steps were skipped in a row, and in all."""
    first = make_trainer(num_steps=2, precision="mixed_float16", log_every_steps=2)
    run(first, [[micro_batch([1, 1])], [micro_batch([1, 1e38])]])
    second = make_trainer(precision="mixed_float16")

    second.set_state(first.state())

    assert second.loss_scale.state() == [2**15, 0, 1, 1] == first.loss_scale.state()


class SlowlyTracedTask(LinearTask):
    """Its tracing stands for a compilation."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def sums(self, arrays):
        self._clock.leap(1000)
        return super().sums(arrays)


def test_an_update_that_compiles_does_not_count_in_the_speed(make_trainer, monkeypatch):
    """Neither the first, nor the first of another shape; a line of such alone has no speed."""
    clock = LeapingClock(monkeypatch)
    trainer = make_trainer(num_steps=7, log_every_steps=3, task=SlowlyTracedTask(clock))
    one, two = [micro_batch([1, 1])], [micro_batch([1, 1], [1, 1])]

    first, second, third = run(trainer, [one, one, one, one, two, two, two]).entries
    (alone,) = run(make_trainer(task=SlowlyTracedTask(clock)), [one]).entries

    # With the tracing in them the first two would have 0.003 and 0.005 at most.
    assert first["sequences_per_second"] > 0.01
    assert second["sequences_per_second"] > 0.01
    assert third["sequences_per_second"] > 0.01
    assert not [name for name in alone if name.endswith("per_second")]
    assert alone["loss"] == 2


def test_a_line_has_the_tokens_with_padding_the_operations_and_the_share_of_the_peak(
    make_trainer, monkeypatch
):
    """Each two sequences of one micro-batch: 1 of 4 positions is real, 24 operations."""
    monkeypatch.setattr("components.shared.processes.distributed.device_name", lambda: V100)
    trainer = make_trainer(num_steps=2, precision="mixed_float16")

    _, entry = run(trainer, [[micro_batch([1, 1], [1, 1])]] * 2).entries

    flops = entry["model_flops_per_second"]
    assert flops == pytest.approx(12 * entry["sequences_per_second"])
    assert entry["tokens_per_second"] == pytest.approx(entry["sequences_per_second"] / 2)
    assert entry["tokens_per_second_with_padding"] == 4 * entry["tokens_per_second"]
    assert entry["share_of_peak"] == pytest.approx(flops / 125e12)


def test_a_device_whose_peak_is_unknown_has_no_share_of_it(make_trainer):
    """A CPU."""
    _, entry = run(make_trainer(num_steps=2), [[micro_batch([1, 1])]] * 2).entries

    assert "model_flops_per_second" in entry
    assert "share_of_peak" not in entry
