"""One training step of BERT, on whichever of Keras's backends and devices is at hand.

    KERAS_BACKEND=jax python -m tests.benchmarks.model

It needs Keras, a backend (tensorflow, jax or torch) and this repository, nothing else: the
model, its losses and the optimizer are this project's, the batch is random. Printed are
sequences a second, their share of the device's peak and mixed precision over float32.
"""

import argparse
import gc
import math
import statistics
import time
from collections.abc import Callable

import keras

from components.pretrain.task import PretrainingTask
from components.shared.bert.config import PRECISIONS, PRESETS, BertConfig
from components.shared.bert.flops import find_peak
from components.shared.training.optimizer import OPTIMIZERS, make_optimizer
from tests.benchmarks.measuring.report import Report, make_parser, repeat
from tests.benchmarks.pretraining.arrays import make_arrays
from tests.benchmarks.pretraining.backends import device_name, make_product, make_step

_VOCAB_SIZE = 30522
# The first update compiles, and the second may once more, as its inputs are no more the
# initial values.
_UNMEASURED_UPDATES = 2
_LARGE_PRODUCT = {"CPU": 2048, "GPU": 8192}


def measure(arguments: argparse.Namespace) -> Report:
    """Each precision at each length."""
    device = device_name()
    report = Report(
        f"BERT-{arguments.preset.capitalize()}, a training step: Keras {keras.__version__} on "
        f"{keras.backend.backend()}, {device or 'CPU'}"
    )
    size = _LARGE_PRODUCT["GPU" if device else "CPU"]
    for length, num_rows in zip(arguments.lengths, arguments.batch_sizes, strict=True):
        speeds = []
        for precision in arguments.precisions:
            keras.config.set_dtype_policy(precision)
            flops, losses, seconds = _measure_step(arguments, precision, length, num_rows)
            name = f"{precision}, length {length}, batch {num_rows}"
            report.add_median(name, [num_rows / one for one in seconds], "sequences/s")
            speeds.append(report.figures[-1].value)
            report.add("  loss of the first update", losses[0])
            report.add("  loss of the last", losses[-1])
            rate = flops * speeds[-1] / num_rows
            report.add(
                "  of a large product's speed", rate / _measure_product(size, arguments.repeats)
            )
            if peak := arguments.peak * 1e12 or find_peak(device, precision):
                report.add("  of the device's peak", rate / peak)
        if len(speeds) > 1:
            name = f"{arguments.precisions[1]} over {arguments.precisions[0]}, length {length}"
            report.add(name, speeds[1] / speeds[0])
    return report


def _measure_step(
    arguments: argparse.Namespace, precision: str, length: int, num_rows: int
) -> tuple[int, list[float], list[float]]:
    """Operations of an update, the loss of each update, and the seconds of those measured."""
    gc.collect()  # the model before: two may not fit the device
    task = PretrainingTask(BertConfig.preset(arguments.preset, vocab_size=_VOCAB_SIZE), seed=1)
    optimizer = make_optimizer(
        arguments.optimizer,
        learning_rate=arguments.learning_rate,
        num_steps=1_000_000,
        warmup_steps=0,
    )
    arrays = make_arrays(num_rows=num_rows, length=length, vocab_size=_VOCAB_SIZE)
    step = make_step(task, optimizer, arrays, precision=precision)
    losses = repeat(step, _UNMEASURED_UPDATES)
    seconds = repeat(lambda: _time(lambda: losses.append(step())), arguments.repeats)
    if not all(map(math.isfinite, losses)):
        raise FloatingPointError(f"{precision}, length {length}: the losses are {losses}")
    return task.flops(arrays), losses, seconds


def _measure_product(size: int, repeats: int) -> float:
    """Operations a second of a product of square matrices, in the precision that is set."""
    product = make_product(size, keras.config.dtype_policy().compute_dtype)
    product()
    return 2 * size**3 / statistics.median(repeat(lambda: _time(product), repeats))


def _time(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    """Measure, print a table, write it as JSON."""
    parser = make_parser("model", __doc__)
    parser.add_argument("--preset", choices=PRESETS, default="large")
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 512])
    parser.add_argument(
        "--batch-sizes", type=int, nargs="+", default=[32, 8], help="one for each length"
    )
    parser.add_argument(
        "--precisions",
        choices=PRECISIONS,
        nargs="+",
        default=["float32", "mixed_float16"],
        help="V100: mixed_float16; A100, H100, CPUs with AMX, AMD's from Zen 4: mixed_bfloat16 too",
    )
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="lamb")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument(
        "--peak", type=float, default=0, help="TFLOP/s, of a device that is not known"
    )
    arguments = parser.parse_args()
    if len(arguments.lengths) != len(arguments.batch_sizes):
        parser.error("--batch-sizes needs one for each of --lengths")
    measure(arguments).finish(arguments.output)


if __name__ == "__main__":
    main()
