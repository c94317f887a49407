"""The speed is measured apart from compilation, at every setting asked for."""

from functools import partial
from itertools import product
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from components.evaluate.devices import load_on_tensorflow
from components.evaluate.predict import PERCENTILES, Predictor
from components.evaluate.speed import measure_speed, name_speeds
from components.evaluate.squad.config import EvaluateConfig
from components.evaluate.squad.question_answerer import Answerer
from components.shared.bert.heads import SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.errors import InputError
from components.shared.squad.data import Question
from tests.clock import LeapingClock

# Far more than anything takes here.
COMPILING_SECONDS = 1000.0
QUESTIONS = [
    Question(f"q{count}", "", "where is home", "far " * count, (), is_impossible=True)
    for count in (2, 40, 90, 200)
]
NAMES = {
    "questions_per_second",
    "windows_per_second",
    "compile_and_warmup_seconds",
    *(f"latency_ms_p{percentile}" for percentile in PERCENTILES),
}


class CompiledModel(SpanModel):
    """Takes its time for the first batch of each shape, as a compiler does."""

    def __init__(self, config, *, seed, clock):
        super().__init__(config, seed=seed)
        self._clock = clock
        self._compiled = set()

    def call(self, batch, training=False):
        start_BL, end_BL = super().call(batch, training=training)
        return tf.numpy_function(self._compile, [start_BL], tf.float32), end_BL

    def _compile(self, start_BL):
        if start_BL.shape not in self._compiled:
            self._clock.leap(COMPILING_SECONDS)
            self._compiled.add(start_BL.shape)
        return start_BL


class GreedyModel(SpanModel):
    """Asks for a hundred TB where a batch has more than two rows, or the precision is bfloat16."""

    def build(self):
        if keras.config.dtype_policy().name == "mixed_bfloat16":
            tf.zeros([2**45])
        super().build()

    def call(self, batch, training=False):
        start_BL, end_BL = super().call(batch, training=training)
        is_large = tf.shape(start_BL)[0] > 2
        count = tf.where(is_large, tf.constant(2**45, tf.int64), tf.constant(1, tf.int64))
        many = tf.fill([count], 0.0)
        return start_BL + many[0], end_BL


@pytest.fixture
def measure(checkpoint, tmp_path):
    """Measures a model's speed with some settings."""

    def measure(model=SpanModel, **settings):
        names = ("squad", "evaluate_metrics", "report", "summary", "predictions")
        paths = {name: tmp_path / name for name in names}
        config = EvaluateConfig(checkpoint=checkpoint, max_length_tokens=128, **paths, **settings)
        answerer = Answerer(config, make_predictor(checkpoint, model))
        return measure_speed(config, answerer, QUESTIONS)

    yield measure
    keras.config.set_dtype_policy("float32")


def make_predictor(checkpoint, model) -> Predictor:
    opened = Checkpoint.read(checkpoint)
    replicas = load_on_tensorflow(opened, partial(model, seed=0), precision="float32")
    return Predictor(replicas, per_token=True, noun="windows")


def test_compilation_is_in_no_latency_of_the_evaluation(checkpoint, tmp_path, monkeypatch):
    """Each of two shapes compiles once, and that time is reported separately."""
    config = EvaluateConfig(
        checkpoint=checkpoint,
        max_length_tokens=128,
        **dict.fromkeys(
            ("squad", "evaluate_metrics", "report", "summary", "predictions"), tmp_path
        ),
    )
    windows = Answerer(config).cut([QUESTIONS[0], QUESTIONS[2]])
    model = partial(CompiledModel, clock=LeapingClock(monkeypatch))
    predictor = make_predictor(checkpoint, model)

    speed = predictor.predict(windows, batch_size=1, num_warmup_batches=0).speed

    assert speed["latency_ms_p100"] < 1000 * COMPILING_SECONDS
    assert speed["windows_per_second"] > len(windows) / COMPILING_SECONDS
    assert speed["compile_and_warmup_seconds"] > 2 * COMPILING_SECONDS


def test_compilation_is_in_no_number_of_a_setting(measure, monkeypatch):
    """Nor in the rates, which are by the clock on the wall."""
    model = partial(CompiledModel, clock=LeapingClock(monkeypatch))

    (item,) = measure(model, speed_batch_sizes=(2,), num_speed_batches=4, num_warmup_batches=0)

    assert item.speed["latency_ms_p100"] < 1000 * COMPILING_SECONDS
    assert item.speed["windows_per_second"] > 4 * 2 / COMPILING_SECONDS
    assert item.speed["compile_and_warmup_seconds"] > COMPILING_SECONDS


def test_a_shape_that_was_not_warmed_up_is_never_timed(checkpoint):
    """Whoever forgets it gets no number."""
    replicas = make_predictor(checkpoint, SpanModel).replicas
    ids = tf.ones([1, 16], tf.int32).numpy()
    arrays = {"token_ids": ids, "segment_ids": ids * 0}

    with pytest.raises(AssertionError, match="not warmed up"):
        replicas.time(1, lambda _: arrays)

    replicas.warm_up([arrays], 1)
    assert replicas.time(1, lambda _: arrays).seconds > 0


def test_every_combination_is_measured(measure):
    """By precision, length and batch size, each with all its numbers."""
    precisions, lengths, sizes = ("float32", "mixed_bfloat16"), (96, 128), (1, 3)

    measured = measure(
        speed_precisions=precisions,
        speed_lengths=lengths,
        speed_batch_sizes=sizes,
        num_speed_batches=5,
    )

    assert [tuple(item.setting) for item in measured] == list(product(precisions, lengths, sizes))
    for setting, speed in measured:
        assert speed.keys() == NAMES, setting
        latencies = [speed[f"latency_ms_p{percentile}"] for percentile in PERCENTILES]
        assert latencies == sorted(latencies)
        # One device: no more than its batches one after the other.
        assert speed["windows_per_second"] <= 1000 * setting.batch_size / latencies[0] * 2
        # The longest context has several windows.
        assert speed["questions_per_second"] < speed["windows_per_second"]
    assert "mixed_bfloat16_length_96_batch_3_latency_ms_p99" in name_speeds(measured)
    assert len(name_speeds(measured)) == len(measured) * len(NAMES)


def test_what_is_not_given_is_the_evaluations_own(measure):
    """Its precision and length here; and without any of the three nothing is measured."""
    (item,) = measure(speed_batch_sizes=(1,), num_speed_batches=1)

    assert tuple(item.setting) == ("float32", 128, 1)
    assert measure() == []


@pytest.mark.long  # TensorFlow waits ten seconds for memory to become free
def test_what_has_no_room_in_memory_is_said_to_have_none(measure, monkeypatch):
    """A batch, or the model in another precision; the others are measured all the same."""
    monkeypatch.setattr("components.evaluate.squad.question_answerer.SpanModel", GreedyModel)

    measured = measure(
        GreedyModel,
        speed_precisions=("mixed_bfloat16", "float32"),
        speed_batch_sizes=(2, 4),
        num_speed_batches=1,
    )

    *none, fits, last = [item.speed for item in measured]
    assert fits.keys() == NAMES
    assert [*none, last] == [None, None, None]
    assert {name.rpartition("_batch_2_")[0] for name in name_speeds(measured)} == {
        "float32_length_128"
    }


@pytest.mark.slow  # ten seconds, as above
def test_an_evaluation_that_has_no_room_in_memory_says_what_to_lower(checkpoint):
    """Its own batch size, in one line."""
    rows = [SimpleNamespace(token_ids=[2, 5, 3], first_segment_length=3)] * 4

    with pytest.raises(
        InputError, match="out of memory with batch_size 4 .windows at once.; lower"
    ):
        make_predictor(checkpoint, GreedyModel).predict(rows, batch_size=4, num_warmup_batches=1)
