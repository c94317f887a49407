"""The summary: scores and speed in a few lines of Markdown, for the Kubeflow UI."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.evaluate.report import SPEED_NAMES, format_number, score_rows
from components.evaluate.speed import MeasuredSpeed
from components.evaluate.squad.config import SpeedSetting
from components.shared.files.atomic import write_text
from components.shared.reports.comparison import Difference
from components.shared.reports.score_names import SCORE_LABELS


def write_summary(
    path: Path,
    *,
    title: str,
    scores: Mapping[str, float],
    speed: Mapping[str, Any],
    differences: Sequence[Difference] = (),
    measured: Sequence[MeasuredSpeed] = (),
) -> None:
    """Write the summary, whole or not at all; the arguments are those of `write_report`."""
    lines = [f"# {title}", "", "| | exact match | F1 |", "|---|--:|--:|"]
    lines += [
        f"| {row['group']} | {row['exact']:.2f} | {row['f1']:.2f} |" for row in score_rows(scores)
    ]
    if differences:
        names = " | ".join(SCORE_LABELS[item.name] for item in differences)
        cells = " | ".join(
            f"{item.difference:+.2f} ({item.low:+.2f} to {item.high:+.2f})" for item in differences
        )
        lines += ["", f"| Against the baseline | {names} |", f"|---{'|--:' * len(differences)}|"]
        lines += [f"| difference (95% interval) | {cells} |"]
    lines += list_speed(speed)
    lines += _describe_best(measured)
    write_text(path, "\n".join(lines) + "\n")


def list_speed(speed: Mapping[str, Any]) -> list[str]:
    """Return the table of the speed."""
    lines = ["", "| Speed | |", "|---|--:|"]
    return lines + [
        f"| {label} | {format_number(speed[name])} |"
        for name, label in SPEED_NAMES.items()
        if name in speed
    ]


def _describe_best(measured: Sequence[MeasuredSpeed]) -> list[str]:
    """Name the settings with the highest throughput and the lowest latency."""
    ran = [(item.setting, item.speed) for item in measured if item.speed]
    if not ran:
        return []
    most, rate = max(ran, key=lambda pair: pair[1]["questions_per_second"])
    soonest, wait = min(ran, key=lambda pair: pair[1]["latency_ms_p50"])
    return [
        "",
        f"Of {len(ran)} settings: most questions per second "
        f"{format_number(rate['questions_per_second'])} ({_say(most)}); lowest median latency "
        f"{format_number(wait['latency_ms_p50'])} ms ({_say(soonest)}).",
    ]


def _say(setting: SpeedSetting) -> str:
    return f"{setting.precision}, length {setting.length_tokens}, batch {setting.batch_size}"
