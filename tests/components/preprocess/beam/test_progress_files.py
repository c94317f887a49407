from components.preprocess.beam import progress_files
from components.preprocess.beam.progress_files import Marks, Step, show_progress
from tests.waiting import wait_until


def test_marks_are_counted(tmp_path):
    """Each mark is one more piece done, whoever leaves it."""
    Marks(tmp_path).add("Clean")
    Marks(tmp_path).add("Clean")

    assert Marks(tmp_path).count("Clean") == 2
    assert Marks(tmp_path).count("Pair") == 0


def test_worker_without_the_folder_goes_on(tmp_path):
    """On another machine there is nothing to mark in."""
    marks = Marks(tmp_path / "missing")

    marks.add("Clean")

    assert marks.count("Clean") == 0


def test_steps_are_shown_to_their_ends(tmp_path, capsys, monkeypatch):
    """A log shows a line for each step that was begun, with what it reached."""
    monkeypatch.setattr(progress_files, "_SECONDS_BETWEEN_LOOKS", 0.01)
    marks = Marks(tmp_path)

    shown = ""

    def is_clean_over():
        nonlocal shown
        shown += capsys.readouterr().err
        return "Clean: 4 of 5 MB" in shown

    with show_progress(marks, Step("Clean", 5, "MB"), Step("Pair", 2, "parts"), Step("W", 1, "x")):
        for step in ("Clean",) * 4 + ("Pair",) * 2:
            marks.add(step)
        wait_until(is_clean_over)

    shown += capsys.readouterr().err
    assert "Clean: 4 of 5 MB" in shown
    assert "Pair: 2 of 2 parts" in shown
    assert "W:" not in shown
