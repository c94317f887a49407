"""The training loop that pretraining and fine-tuning share.

One update: each process runs its micro-batches forward and backward, the gradients of all
are summed in one exchange, and the optimizer is applied once, on every process alike.

Losses are sums, divided by the number of items in the whole global batch: the result does
not depend on how the batch is cut among processes and micro-batches.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from components.shared.bert.flops import find_peak
from components.shared.bert.fusion import switch_fusion
from components.shared.errors import DivergedError
from components.shared.processes import distributed
from components.shared.processes.heartbeat import pulse
from components.shared.processes.termination import is_requested_of_rank
from components.shared.stage.progress import progress
from components.shared.training.history import History
from components.shared.training.loss_scale import LossScale
from components.shared.training.micro_batches import MicroBatch, prefetch
from components.shared.training.optimizer import make_optimizer
from components.shared.training.validation import Validation
from components.shared.training.window import Sums, Window

# Weights: BERT-Mini has 11 million, BERT-Small 29.
_WORTH_COMPILING = 20_000_000


class Task(Protocol):
    """What is trained: a model and its losses."""

    model: Any

    def sums(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Sums over a micro-batch: for each loss `x` in its counts `x_loss` and, of all or of
        none of them, `x_accuracy`.
        """
        ...

    def flops(self, arrays: dict[str, Any]) -> int:
        """Floating-point operations of a micro-batch, forward and backward."""
        ...


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """How a task is trained."""

    label: str
    num_steps: int
    learning_rate: float
    warmup_steps: int
    optimizer: str
    precision: str
    xla: str
    compress_gradients: bool
    seed: int
    log_every_steps: int
    checkpoint_every_steps: int


class Trainer:
    """Trains one task on all processes."""

    def __init__(self, task: Task, settings: TrainerSettings) -> None:
        self.task, self.settings = task, settings
        self.optimizer = make_optimizer(
            settings.optimizer,
            learning_rate=settings.learning_rate,
            num_steps=settings.num_steps,
            warmup_steps=settings.warmup_steps,
        )
        self._weights = task.model.trainable_variables
        self.optimizer.build(self._weights)
        # Gradients that are exchanged as float16 need the scale as much as those computed in it.
        self.loss_scale = LossScale(
            dynamic=settings.precision == "mixed_float16" or settings.compress_gradients
        )
        peak = find_peak(distributed.device_name(), settings.precision)
        self._window = Window(task.flops, peak=peak)
        self._num_traced = 0
        # XLA pays on GPUs; on CPUs its matrix products are slower than TensorFlow's own
        # kernels, and only what lies between them is compiled.
        jit = settings.xla == "on" or (
            settings.xla == "auto" and bool(tf.config.list_logical_devices("GPU"))
        )
        switch_fusion(settings.xla != "off")
        self._forward_backward = tf.function(self._forward_backward_eager, jit_compile=jit)
        # Compiled, the optimizer passes over the weights once instead of a dozen times. Compiling
        # takes seconds, which only large models win back.
        num_weights = sum(math.prod(weight.shape) for weight in self._weights)
        jit_optimizer = jit or (settings.xla == "auto" and num_weights >= _WORTH_COMPILING)
        self._apply = tf.function(self._apply_eager, jit_compile=jit_optimizer)
        self._add = tf.function(lambda left, right: [a + b for a, b in zip(left, right)])  # noqa: B905 - traced

    def run(
        self,
        micro_batches: Callable[[int], Sequence[MicroBatch]],
        *,
        first_step: int,
        history: History,
        save: Callable[[int], None],
        validation: Validation | None = None,
    ) -> int:
        """Train to the last step, or until one of the processes is asked to end.

        Args:
            micro_batches: this process's share of an update's global batch, by step.
            first_step: updates done before.
            history: takes the numbers of each few steps.
            save: writes a checkpoint of the state after so many updates; the last state too, and
                each with a smaller held-out loss than all before, where patience needs it.
            validation: measures the model at times, and may stop the run early.

        Returns:
            The updates done; fewer than the last step where a process was sent a SIGTERM, or
            validation says that the run is over. The state is saved then.

        Raises:
            DivergedError: if the loss is not finite.
        """
        distributed.copy_from_first([*self._weights, *self.optimizer.variables])
        settings, window = self.settings, self._window
        if validation is not None:
            # After a restart, too: it compiles, and within the loop that would look like a hang.
            numbers = validation.measure()
            if not history.entries:
                history.append({"step": 0, **numbers})
                if validation.patience:  # the first weights may be the best
                    save(0)
            if validation.is_over(history):
                return first_step
        window.restart_clock()
        with (
            prefetch(micro_batches, range(first_step, settings.num_steps)) as batches,
            progress(
                settings.label,
                total=settings.num_steps - first_step,
                is_shown=distributed.rank() == 0,
            ) as shown,
            pulse.in_loop(),
        ):
            for step, batch in enumerate(batches, start=first_step):
                done = step + 1
                is_line = done % settings.log_every_steps == 0 or done == settings.num_steps
                # Read only where it is shown: it waits for the update before.
                rate = float(self.optimizer.learning_rate) if is_line else math.nan
                sums, is_asked_to_end = self._update(step, batch)
                window.add(sums, batch)
                if self._has_compiled():
                    np.asarray(sums.sums)  # a GPU may still be at it
                    window.restart_clock()
                pulse.update_done(done)
                note = ""
                if is_line:
                    entry = window.close(done, rate) | self.loss_scale.entry()
                    self._check(entry)
                    history.append(entry)
                    note = f"loss {entry['loss']:.3f}"
                shown.advance(note=note)
                is_best = is_over = False
                if validation is not None and validation.is_due(done, settings.num_steps):
                    history.append({"step": done, **validation.measure()})
                    window.restart_clock()
                    is_best = validation.best_step(history) == done
                    is_over = validation.is_over(history)
                is_last = is_over or is_asked_to_end or done == settings.num_steps
                if is_last or is_best or done % settings.checkpoint_every_steps == 0:
                    save(done)
                if is_last:
                    return done
        return settings.num_steps

    def state(self) -> dict[str, Any]:
        """Return what a run needs to resume besides the variables, as JSON can hold it."""
        return {"loss_scale": self.loss_scale.state(), "window": self._window.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Resume from such a state."""
        self.loss_scale.set_state(state["loss_scale"])
        self._window.set_state(state["window"])

    def _has_compiled(self) -> bool:
        """Whether the last update traced its function anew: the first, or one of a new shape."""
        before, self._num_traced = (
            self._num_traced,
            self._forward_backward.experimental_get_tracing_count(),
        )
        return self._num_traced > before

    def _update(self, step: int, batch: Sequence[MicroBatch]) -> tuple[Sums, bool]:
        names = sorted(batch[0].counts)
        own = [sum(b.counts[name] for b in batch) for name in names]
        # All must stop after the same update: whether any is asked to rides on this sum.
        own.append(float(is_requested_of_rank()))
        # On the CPU, whatever trains: the flag is read without waiting for a GPU.
        with tf.device("CPU"):
            (total,) = distributed.sum_over_processes([tf.constant(own, tf.float32)])
            counts, is_asked_to_end = total[:-1], total[-1] > 0
        inverse = tf.math.reciprocal_no_nan(counts)
        scale = tf.constant(self.loss_scale.value, tf.float32)
        gradients: list[Any] | None = None
        for index, micro_batch in enumerate(batch, start=distributed.rank() * len(batch)):
            pulse.move()
            self._set_dropout(step, index)
            new = self._forward_backward(micro_batch.arrays, inverse, scale)
            gradients = new if gradients is None else self._add(gradients, new)
        assert gradients is not None, "an update without a micro-batch"
        *gradients, sums = distributed.sum_over_processes(
            gradients, num_compressed=len(self._weights) if self.settings.compress_gradients else 0
        )
        finite = self._apply(gradients, scale)
        if self.loss_scale.dynamic:
            self.loss_scale.update(bool(finite))
            if not np.isfinite(sums).all():  # skipped for an overflow on the way forward
                counts, sums = tf.zeros_like(counts), tf.zeros_like(sums)
        return Sums(names, counts, sums), bool(is_asked_to_end)

    def _forward_backward_eager(self, arrays: Any, inverse: Any, scale: Any) -> list[Any]:
        """Gradients of the scaled loss and, last, the vector of sums."""
        with tf.GradientTape() as tape:
            sums = self.task.sums(arrays)
            losses = tf.stack([sums[name] for name in sorted(sums) if name.endswith("_loss")])
            scaled = tf.reduce_sum(losses * inverse) * scale
        gradients = tape.gradient(scaled, [weight.value for weight in self._weights])
        # Dense: the word embeddings' gradient has a dense part from the output layer anyway.
        dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
        return [*dense, tf.stack([sums[name] for name in sorted(sums)])]

    def _apply_eager(self, gradients: list[Any], scale: Any) -> Any:
        if not self.loss_scale.dynamic:
            self.optimizer.apply(gradients, self._weights)
            return True
        gradients = [gradient / scale for gradient in gradients]
        finite = tf.math.is_finite(tf.linalg.global_norm(gradients))

        def apply() -> None:
            self.optimizer.apply(gradients, self._weights)

        # The sum over processes holds every process's infinities: all skip, or none.
        tf.cond(finite, apply, lambda: None)
        return finite

    def _set_dropout(self, step: int, index: int) -> None:
        """Make dropout a function of seed, step and the micro-batch's place in the global batch.

        So a restart repeats it, also on another number of processes with micro-batches of
        the same size.
        """
        state = self.task.model.bert.seed_generator.state
        words = (self.settings.seed, step, index)
        # 31 bits: Keras draws with int32. The second word counts the dropouts of the pass.
        key = int(np.random.SeedSequence(words).generate_state(1)[0]) >> 1
        state.assign(np.array([key, 0], dtype=state.dtype))

    def _check(self, entry: dict[str, Any]) -> None:
        if not math.isfinite(entry["loss"]):
            raise DivergedError(
                f"{self.settings.label}: the loss is {entry['loss']} at step {entry['step']}; "
                f"try a smaller learning_rate than {self.settings.learning_rate}, a "
                "larger warmup_rate, or precision float32"
            )
