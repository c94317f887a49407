"""The report is one file that shows the run and runs nothing."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import matplotlib.image
import pytest

from components.evaluate.curves import draw_panels, draw_precision_recall, draw_speed
from components.evaluate.report import write_report
from components.evaluate.speed import MeasuredSpeed
from components.evaluate.squad.breakdown import Group
from components.evaluate.squad.config import SpeedSetting
from components.evaluate.squad.report_examples import AnsweredQuestion
from components.evaluate.summary import write_summary
from components.shared.reports.comparison import Difference
from components.shared.squad.data import Answer, Question
from components.shared.training.history import History
from tests.waiting import LONGEST_SECONDS

_ATTACK = "<script>document.title='attacked'</script>"
_HISTORY = History(
    [
        {
            "label": "Pretraining at length 128",
            "step": step,
            "loss": 10.0 / step,
            "masked_lm_loss": 9.0 / step,
            "next_sentence_loss": 1.0 / step,
            "masked_lm_accuracy": 0.1,
            "learning_rate": 0.001,
            "sequences_per_second": 50.0,
        }
        for step in (10, 20, 30)
    ]
)

_MEASURED = [
    MeasuredSpeed(
        SpeedSetting(precision, length, size),
        None
        if (precision, length, size) == ("mixed_float16", 384, 8)
        else {
            "questions_per_second": 1.5 * size * (2 if "16" in precision else 1),
            "windows_per_second": 3.0 * size,
            **{f"latency_ms_p{p}": 9.0 + size + n for n, p in enumerate((50, 90, 95, 99, 100))},
            "compile_and_warmup_seconds": 0.25,
        },
    )
    for precision in ("float32", "mixed_float16")
    for length in (128, 384)
    for size in (1, 8)
]


def _write(folder, **changes) -> str:
    question = Question(
        "q", "Cats", f"Who {_ATTACK}?", f"A cat {_ATTACK}.", (Answer("cat", 2),), False
    )
    contents = {
        "title": "BERT on SQuAD 2.0",
        "subtitle": "A run",
        "scores": {
            "exact": 50.0,
            "f1": 61.234,
            "total": 4,
            "HasAns_exact": 25.0,
            "HasAns_f1": 30.5,
            "HasAns_total": 3,
            "NoAns_exact": 75.0,
            "NoAns_f1": 80.5,
            "NoAns_total": 1,
            "best_exact": 51.0,
            "best_exact_thresh": -1.5,
            "best_f1": 62.0,
            "best_f1_thresh": -2.5,
        },
        "speed": {
            "questions_per_second": 1234.5,
            "windows_per_second": 99.25,
            "latency_ms_p50": 10.0,
            "latency_ms_p100": 20.0,
            "device": "CPU",
        },
        "histories": [_HISTORY],
        "answered": [AnsweredQuestion(question, _ATTACK, 0, 0, 0.25)],
        "settings": {"Versions": {"keras": "3.15.1"}},
    }
    write_report(folder / "report.html", **{**contents, **changes})
    return (folder / "report.html").read_text(encoding="utf-8")


def _visible_text(page: str) -> str:
    page = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_shows_scores_speed_curves_answers_and_settings(tmp_path):
    """All that was given, in words of a person."""
    text = _visible_text(_write(tmp_path))

    for shown in (
        "BERT on SQuAD 2.0",
        "61.23 F1, percent",
        "With an answer 25.00 30.50 3",
        "Without an answer 75.00 80.50 1",
        "F1 62.00 (threshold -2.5)",
        "1,234 questions per second",
        "50% 10.0 ms",
        "slowest 20.0 ms",
        "device CPU",
        "Pretraining at length 128",
        "masked LM loss",
        "✗ wrong",
        "keras 3.15.1",
    ):
        assert shown in text


def test_shows_version_1_scores_alone(tmp_path):
    """SQuAD 1.1 has no table of its own."""
    text = _visible_text(_write(tmp_path, scores={"exact_match": 81.0, "f1": 88.5}))

    assert "81.00 exact match, percent" in text
    assert "With an answer" not in text


def test_leaves_out_what_there_is_not(tmp_path):
    """No history, no questions, no speed: no headings for them."""
    changes = {"speed": {}, "histories": [History([])], "answered": [], "settings": {}}

    text = _visible_text(_write(tmp_path, **changes))

    for heading in ("Prediction speed", "Learning curves", "Answered questions", "Settings"):
        assert heading not in text


class _Elements(HTMLParser):
    """Tags, and attributes that could load or run something."""

    def __init__(self):
        super().__init__()
        self.tags, self.links = set(), []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [
            (name, value)
            for name, value in attributes
            if name in ("src", "srcset", "data", "action") or name.startswith("on")
            or (name.endswith("href") and not value.startswith("#"))
        ]  # fmt: skip


def test_text_of_the_data_is_never_markup(tmp_path):
    """A question, a context and an answer that hold a script are shown as text."""
    page = _write(tmp_path, title=f"Title {_ATTACK}", settings={_ATTACK: {_ATTACK: _ATTACK}})

    elements = _Elements()
    elements.feed(page)
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(elements.tags)
    assert elements.links == []
    assert page.count("&lt;script&gt;") >= 7
    assert "url(http" not in page


def test_losses_are_drawn_together_and_other_numbers_apart():
    """One panel for three losses, one each for accuracy, learning rate and speed."""
    panels = draw_panels(_HISTORY)

    assert [panel.title for panel in panels] == [
        "Loss",
        "Accuracy",
        "Learning rate",
        "Sequences per second",
    ]
    assert all(name in panels[0].svg for name in (">loss<", ">masked LM loss<"))


def test_held_out_numbers_are_dashed_beside_those_of_training():
    """In the same panels; where a kind has one loss only, its sum is left out."""
    held_out = {"held_out_loss": 9.5, "held_out_masked_lm_loss": 9.5, "held_out_perplexity": 99.0}
    entries = [*_HISTORY.entries, *({"step": step, **held_out} for step in (0, 15, 30))]

    panels = {panel.title: panel.svg for panel in draw_panels(History(entries))}

    assert list(panels)[-1] == "Perplexity, held out"
    assert ">masked LM loss, held out<" in panels["Loss"]
    assert ">loss, held out<" not in panels["Loss"]
    assert panels["Loss"].count("stroke-dasharray") > draw_panels(_HISTORY)[0].svg.count(
        "stroke-dasharray"
    )


def test_a_number_that_some_lines_lack_is_drawn_where_it_is():
    """Keys vary from line to line."""
    entries = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0, "loss_scale": 8.0}]

    assert [panel.title for panel in draw_panels(History(entries))] == ["Loss", "Loss scale"]


def test_shows_groups_the_curve_and_the_difference_to_a_baseline(tmp_path):
    """Each under its own heading, with signs."""
    page = _write(
        tmp_path,
        differences=[Difference("f1", 60.0, 1.25, -0.5, 3.0)],
        groups={"F1 by question word": [Group("who", 12, 45.5)]},
        precision_recall=draw_precision_recall({"F1": [(0.0, 1.0), (0.5, 0.75)]}),
    )

    text = _visible_text(page)
    assert "F1 61.25 60.00 +1.25 -0.50 to +3.00" in text
    assert "F1 by question word F1 questions who 45.5 12" in text
    assert "Precision and recall over the null threshold" in text
    assert page.count("<figure") == 5


def test_shows_the_speed_at_each_setting(tmp_path):
    """A row for each, curves of each precision, and what had no room in memory."""
    page = _write(tmp_path, measured=_MEASURED)

    text = _visible_text(page)
    assert "float32 128 1 1.50 3.00 10.0 11.0 12.0 13.0 14.0 0.25" in text
    assert "mixed_float16 384 8 not measured: out of memory" in text
    assert "Latency in float32: median, whisker to 99%" in text
    assert "Windows per second in mixed_float16" in text
    assert page.count("<figure") == 4 + 4


def test_settings_of_one_batch_size_are_drawn_over_their_length():
    """There is nothing to see over the batch size."""
    panels = draw_speed([item for item in _MEASURED if item.setting.batch_size == 1])

    assert all("length in tokens" in panel.svg for panel in panels)
    assert all("batch size" in panel.svg for panel in draw_speed(_MEASURED))
    assert draw_speed([]) == draw_speed([MeasuredSpeed(_MEASURED[0].setting, None)]) == []


def test_the_summary_names_the_fastest_settings(tmp_path):
    """In one line."""
    write_summary(
        tmp_path / "summary.md",
        title="T",
        scores={"exact_match": 1.0, "f1": 2.0},
        speed={},
        measured=_MEASURED,
    )

    lines = (tmp_path / "summary.md").read_text("utf-8").splitlines()
    assert lines[-1] == (
        "Of 7 settings: most questions per second 24 (mixed_float16, length 128, batch 8); lowest "
        "median latency 10 ms (float32, length 128, batch 1)."
    )


def test_the_same_run_gives_the_same_bytes(tmp_path):
    """No date and no random ids."""
    assert _write(tmp_path) == _write(tmp_path)


@pytest.fixture
def browse(tmp_path):
    """Has a browser open a file, with flags; gives what it printed."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("neither chromium nor google-chrome is installed")

    def browse(file, *flags):
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"]
        done = subprocess.run(
            [*command, *flags, file.as_uri()],
            capture_output=True,
            text=True,
            check=True,
            timeout=LONGEST_SECONDS,
        )
        return done.stdout

    return browse


@pytest.mark.slow
def test_a_browser_shows_it_and_runs_nothing(tmp_path, browse):
    """In Chromium the title is the page's own and the question's tags are text."""
    _write(tmp_path)

    page = browse(tmp_path / "report.html", "--dump-dom")

    assert "<title>BERT on SQuAD 2.0</title>" in page
    assert "Who &lt;script&gt;" in page
    assert page.count("<figure") == 4


@pytest.mark.slow
@pytest.mark.parametrize("width", [1200, 420])
def test_a_person_sees_curves_and_marked_answers(tmp_path, browse, width):
    """On a screen and on a telephone: their colors are in a screenshot."""
    question = Question("q", "Cats", "Who?", "A cat is a hat.", (Answer("cat", 2),), False)
    wrong, right = (
        AnsweredQuestion(question, text, text == "cat", 0, 0.5) for text in ("hat", "cat")
    )
    _write(tmp_path, answered=[wrong, right], measured=_MEASURED)

    browse(
        tmp_path / "report.html",
        f"--window-size={width},9000",
        f"--screenshot={tmp_path / 'report.png'}",
    )

    pixels = (255 * matplotlib.image.imread(tmp_path / "report.png")[..., :3]).round().astype(int)
    assert pixels.shape[:2] == (9000, width)
    for color, what in {
        (0xC2, 0x57, 0x1A): "curves",  # of a second line; the first has the color of bars
        (0xFD, 0xE6, 0xBF): "predicted answer",
        (0xD3, 0xEF, 0xDC): "right answer",
        (0xB3, 0x30, 0x1F): "wrong",
    }.items():
        assert (pixels == color).all(axis=-1).sum() > 100, what
    # Nothing sticks out to the right: the page's margin is its ground alone.
    assert (pixels[:, -3:] == (0xF5, 0xF7, 0xFA)).all()
