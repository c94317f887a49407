"""How fast the model answers at given batch sizes, lengths and precisions."""

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from components.evaluate.squad.config import EvaluateConfig, SpeedSetting
from components.shared.squad.data import Question
from components.shared.stage.progress import progress

if TYPE_CHECKING:
    from components.evaluate.replicas import Replicas
    from components.evaluate.squad.question_answerer import Answerer
    from components.shared.squad.windows import Window

Result = TypeVar("Result")

# Of how many questions the windows are taken; they are repeated where more are needed.
_MOST_QUESTIONS = 1000


class MeasuredSpeed(NamedTuple):
    """The speed in one setting."""

    setting: SpeedSetting
    speed: Mapping[str, float] | None
    """questions_per_second and windows_per_second over all devices, latency_ms_p50 … p100 of a
    batch on one, and compile_and_warmup_seconds, which are in none of them; None where the
    memory does not suffice for the model in that precision, or for its batches."""


def measure_speed(
    config: EvaluateConfig, answerer: "Answerer", questions: Sequence[Question]
) -> list[MeasuredSpeed]:
    """Measure each setting of the config's grid.

    Every window is padded to the setting's length, as in NVIDIA's tables, and a long context
    has more windows of a shorter length: so many of them make a question answered.
    """
    grid = config.speed_grid()
    step = max(1, len(questions) // _MOST_QUESTIONS)
    asked = questions[::step][:_MOST_QUESTIONS]
    length_to_windows = {
        length: answerer.cut(asked, max_length_tokens=length)
        for length in {setting.length_tokens for setting in grid}
    }
    measured = []
    with progress("Measuring the speed", total=len(grid), unit="settings") as shown:
        for precision, settings in groupby(grid, lambda setting: setting.precision):
            # A precision's model, but the evaluation's own, is let go before the next is loaded.
            replicas = _if_room(partial(answerer.replicas_of, precision))
            for setting in settings:
                windows = length_to_windows[setting.length_tokens]
                if windows:  # else no context has a word
                    speed = None
                    if replicas is not None:
                        speed = _if_room(partial(_measure, replicas, setting, windows, config))
                    measured.append(MeasuredSpeed(setting, speed))
                shown.advance(note=setting.name)
            del replicas
            gc.collect()  # Keras's layers refer to one another in circles
    return measured


def name_speeds(measured: Sequence[MeasuredSpeed]) -> dict[str, float]:
    """As scalars: float32_length_384_batch_8_latency_ms_p50 and so on."""
    return {
        f"{item.setting.name}_{name}": value
        for item in measured
        for name, value in (item.speed or {}).items()
    }


def _if_room(work: Callable[[], Result]) -> Result | None:
    """The work's result; None where the memory does not suffice for it."""
    import tensorflow as tf

    try:
        return work()
    except (MemoryError, tf.errors.ResourceExhaustedError):
        return None


def _measure(
    replicas: "Replicas",
    setting: SpeedSetting,
    windows: Sequence["Window"],
    config: EvaluateConfig,
) -> dict[str, float]:
    from components.evaluate.predict import percentiles
    from components.evaluate.replicas import Arrays
    from components.shared.bert.sequences import pad_to

    size = setting.batch_size

    def make(number: int) -> Arrays:
        batch = [windows[(number * size + row) % len(windows)] for row in range(size)]
        return pad_to(batch, length=setting.length_tokens)

    num_batches = config.num_speed_batches * len(replicas)
    warmup_seconds = replicas.warm_up([make(0)], config.num_warmup_batches)
    timings = replicas.time(num_batches, make)
    rate = num_batches * size / timings.seconds
    num_questions = len({window.question_index for window in windows})
    return {
        "questions_per_second": rate * num_questions / len(windows),
        "windows_per_second": rate,
        **percentiles(timings.latencies),
        "compile_and_warmup_seconds": warmup_seconds,
    }
