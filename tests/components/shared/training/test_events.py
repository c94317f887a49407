"""What TensorBoard reads of a run."""

import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from components.shared.training.events import EventWriter


def test_each_number_of_a_line_is_an_event_at_its_step(tmp_path):
    """Labels are none; what one line lacks is left out there."""
    writer = EventWriter(tmp_path / "run", first_step=0)
    writer.write({"label": "Test", "step": 10, "loss": 2.5})
    writer.write({"label": "Test", "step": 20, "loss": 1.5, "skipped_steps": 3})

    (path,) = (tmp_path / "run").iterdir()
    events = list(tf.compat.v1.train.summary_iterator(str(path)))

    values = [(e.step, v.tag, v.simple_value) for e in events for v in e.summary.value]
    assert values == [(10, "loss", 2.5), (20, "loss", 1.5), (20, "skipped_steps", 3.0)]


def test_tensorboard_shows_a_resumed_run_without_what_it_did_twice(tmp_path):
    """Killed after step 30, resumed from 20: the first 30 is gone, 10 and 20 stay."""
    first = EventWriter(tmp_path, first_step=0)
    for step in (10, 20, 30):
        first.write({"step": step, "loss": 1.0})
    second = EventWriter(tmp_path, first_step=20)
    for step in (30, 40):
        second.write({"step": step, "loss": 2.0})

    accumulator = EventAccumulator(str(tmp_path)).Reload()

    shown = [(event.step, event.value) for event in accumulator.Scalars("loss")]
    assert shown == [(10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0)]
