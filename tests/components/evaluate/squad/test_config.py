"""Wrong settings are refused before any work."""

from pathlib import Path

import pytest

from components.evaluate.squad.config import EvaluateConfig
from components.shared.errors import InputError

_PATHS = {
    name: Path(name)
    for name in ("squad", "checkpoint", "evaluate_metrics", "report", "summary", "predictions")
}


def test_the_defaults_are_run_squads():
    """They are valid, and those of google-research/bert."""
    config = EvaluateConfig(**_PATHS)

    assert (config.max_length_tokens, config.stride_tokens, config.max_query_tokens) == (
        384,
        128,
        64,
    )
    assert (config.n_best_size, config.max_answer_length_tokens) == (20, 30)
    assert config.null_score_diff_threshold == 0


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("batch_size", 0, "batch_size must be 1 or more, got 0"),
        ("n_best_size", 0, "n_best_size must be 1 or more, got 0"),
        ("num_report_questions", -1, "num_report_questions must be 0 or more, got -1"),
        ("precision", "fp16", "precision must be one of float32, .* got 'fp16'"),
        ("max_length_tokens", 66, "max_length_tokens 66 leaves no room"),
        ("stride_tokens", 0, "stride_tokens must be 1 or more, got 0"),
        ("num_speed_batches", 0, "num_speed_batches must be 1 or more, got 0"),
        ("speed_batch_sizes", (8, 0), "speed_batch_sizes must be 1 or more, got 0"),
        ("speed_batch_sizes", (8, 8), "speed_batch_sizes must be distinct, got 8, 8"),
        ("speed_lengths", (128, 66), "speed_lengths 66 leaves no room .* at least 68"),
        ("baseline", "gs://bucket/metrics.json", "must be a path, got gs://bucket/metrics.json"),
        ("speed_precisions", ("fp16",), "speed_precisions must be one of float32, .* got 'fp16'"),
    ],
)
def test_a_wrong_setting_is_rejected(setting, value, message):
    """The message says what must be."""
    with pytest.raises(InputError, match=message):
        EvaluateConfig(**_PATHS, **{setting: value})


def test_windows_to_measure_the_speed_with_must_fit_the_model():
    """Before any question is answered."""
    config = EvaluateConfig(**_PATHS, speed_lengths=(128, 1024))

    with pytest.raises(InputError, match="speed_lengths 1024 is more than .*_embeddings 512"):
        config.expect_room(512)
