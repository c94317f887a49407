"""The lines of a run: there while it runs, each once after a restart."""

import json

import pytest

from components.shared.errors import InputError
from components.shared.files.formats import stamp
from components.shared.training.history import History


def steps_in(path) -> list[int]:
    return [entry["step"] for entry in History.read(path).entries]


def test_a_line_is_in_the_file_as_soon_as_it_is_known(tmp_path):
    """Whoever reads the file sees it, before the next comes."""
    path = tmp_path / "out" / "history.jsonl"
    history = History([], label="Test")
    history.write_to(path)
    seen = [steps_in(path)]

    for step in (10, 20):
        history.append({"step": step})
        seen.append(steps_in(path))

    assert seen == [[], [10], [10, 20]]
    assert path.read_text("utf-8") == history.text()


def test_after_a_kill_no_line_is_doubled_or_lost(tmp_path):
    """The state was saved after step 20; lines 30 and a half of 40 came before the kill."""
    path = tmp_path / "history.jsonl"
    path.write_text('{"step": 10}\n{"step": 20}\n{"step": 30}\n{"st', encoding="utf-8")
    history = History([])
    history.entries[:] = [{"step": 10}, {"step": 20}]  # as a restored state does

    history.write_to(path)
    for step in (30, 40):
        history.append({"step": step})

    assert steps_in(path) == [10, 20, 30, 40]


def test_the_first_line_names_the_format(tmp_path):
    """It is no line of a step; files of before have none."""
    path = tmp_path / "history.jsonl"
    History([{"step": 10}]).write_to(path)
    first, *others = path.read_text("utf-8").splitlines()

    assert json.loads(first) == stamp("history.jsonl")
    assert steps_in(path) == [10]
    path.write_text("\n".join(others) + "\n", encoding="utf-8")
    assert steps_in(path) == [10]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format_version": 2, "written_by": "kubeflow-bert 2.0"}\n[]\n', "by kubeflow-bert 2.0;"),
        (
            '{"step": 10}\n[20]\n',
            r"jsonl: line 2: expected an object, got \[20\]; give the history",
        ),
        (
            '{"step": 10}\n' + "[" * 9999,
            "history.jsonl: line 2: nested too deeply; give the history",
        ),
        ('{"step": 10}\n{"st', r"history.jsonl: line 2, column 2: not JSON"),
    ],
)
def test_another_file_is_rejected(tmp_path, text, said):
    """A newer release's, or one that is no history."""
    path = tmp_path / "history.jsonl"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InputError, match=said):
        History.read(path)


def test_the_summary_has_the_usual_speed_of_the_lines_that_have_one():
    """A line whose updates all compiled has none; nor has the summary of such lines alone."""
    speeds = [{}, {"sequences_per_second": 2.0}, {"sequences_per_second": 4.0}]
    entries = [{"step": step, "loss": 1.0, **speed} for step, speed in enumerate(speeds)]

    assert History(entries).summary() == {"loss": 1.0, "sequences_per_second": 3.0}
    assert History(entries[:1]).summary() == {"loss": 1.0}
