"""The page for people, in Chromium."""

import re
import shutil
import subprocess
from html import unescape
from urllib.parse import urlencode

import pytest

from tests.components.serve.conftest import running_server

TEXT = "The <b>cat</b> sat on 😀 the mat, <script>document.title = 'gone'</script> & home is far."
QUESTION = "Where is home?"
_LONGEST_SECONDS = 60


@pytest.fixture
def browse(tmp_path):
    """Has a browser open a server's page with its fields filled; gives what it printed."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("neither chromium nor google-chrome is installed")

    def browse(server, text, question, *flags):
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"]
        command += ["--virtual-time-budget=10000", *flags]
        fragment = urlencode({"text": text, "question": question})
        command.append(f"http://127.0.0.1:{server.http_port}/#{fragment}")
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_LONGEST_SECONDS
        )
        return done.stdout

    return browse


def test_the_answer_is_marked_in_the_text(server, browse):
    """At its place, after an emoji too; tags in the text are text, and no script of it runs."""
    (expected,) = server.predict([{"context": TEXT, "question": QUESTION}], top_k=5)

    page = browse(server, TEXT, QUESTION, "--dump-dom")

    shown = re.search(r'<div id="shown">(.*?)</div>', page, re.DOTALL)[1]
    before, marked, after = re.split(r"<mark>|</mark>", shown)
    assert unescape(marked) == TEXT[expected["start"] : expected["end"]]
    assert unescape(before) == TEXT[: expected["start"]]
    assert unescape(before + marked + after) == TEXT
    assert "<title>Ask a text</title>" in page
    others = re.findall(r"<li><button[^>]*>(.*?)</button> ([0-9.]+)%", page)
    answers = [(one["answer"], f"{100 * one['probability']:.1f}") for one in expected["answers"]]
    assert [(unescape(text), percent) for text, percent in others] == answers[1:]


def test_what_is_wrong_is_shown(server, browse):
    """The server's own words."""
    page = browse(server, "\u200b", QUESTION, "--dump-dom")

    assert '<p id="problem" role="alert">instances[0].context: no words in it</p>' in page


def test_candidates_are_ranked_for_a_query(ranking_server, browse):
    """Best first, each with its score; the page is of what the model does."""
    candidates = ["the mat", "<b>far</b> away", "a cat"]
    instances = [{"sentence": QUESTION, "second_sentence": one} for one in candidates]
    ranked = ranking_server.predict(instances, top_k=3)

    page = browse(ranking_server, "\n\n".join(candidates), QUESTION, "--dump-dom")

    items = [unescape(item) for item in re.findall(r"<li>(.*?)</li>", page)]
    assert items == [f"{candidates[one['index']]} {one['score']:.3f}" for one in ranked]
    assert "<title>Rank candidates</title>" in page
    assert '<label id="none-label" hidden="">' in page


def test_sentences_are_labeled(label_model, tmp_path, browse):
    """With the probability of each label."""
    with running_server(tmp_path, label_model, "--grpc-port", "0") as server:
        (expected,) = server.predict([{"sentence": "The cat", "second_sentence": "sat"}])

        page = browse(server, "The cat", "sat", "--dump-dom")

    shown = dict(re.findall(r"<li>(\w+) ([0-9.]+)%</li>", page))
    assert shown == {k: f"{100 * v:.1f}" for k, v in expected["probabilities"].items()}
    assert next(iter(shown)) == expected["label"]


def test_nothing_is_loaded_from_elsewhere(server):
    """The page names no other file, and its policy allows none."""
    status, headers, page = server.send("/")

    assert status == 200
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"https?://|src=|<link|@import", page)
    assert "{{" not in page
