"""The page for people, in Chromium."""

import re
import shutil
import subprocess
from html import unescape
from urllib.parse import urlencode

import pytest

TEXT = "The <b>cat</b> sat on 😀 the mat, <script>document.title = 'gone'</script> & home is far."
QUESTION = "Where is home?"
_LONGEST_SECONDS = 60


@pytest.fixture
def browse(server, tmp_path):
    """Has a browser open the page of a question; gives what it printed."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("neither chromium nor google-chrome is installed")

    def browse(text, question, *flags):
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

    page = browse(TEXT, QUESTION, "--dump-dom")

    shown = re.search(r'<div id="shown">(.*?)</div>', page, re.DOTALL)[1]
    before, marked, after = re.split(r"<mark>|</mark>", shown)
    assert unescape(marked) == TEXT[expected["start"] : expected["end"]]
    assert unescape(before) == TEXT[: expected["start"]]
    assert unescape(before + marked + after) == TEXT
    assert "<title>Ask a text</title>" in page
    others = re.findall(r"<li><button[^>]*>(.*?)</button> ([0-9.]+)%", page)
    answers = [(one["answer"], f"{100 * one['probability']:.1f}") for one in expected["answers"]]
    assert [(unescape(text), percent) for text, percent in others] == answers[1:]


def test_what_is_wrong_is_shown(browse):
    """The server's own words."""
    page = browse("\u200b", QUESTION, "--dump-dom")

    assert '<p id="problem" role="alert">instances[0].context: no words in it</p>' in page


def test_nothing_is_loaded_from_elsewhere(server):
    """The page names no other file, and its policy allows none."""
    status, headers, page = server.send("/")

    assert status == 200
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"https?://|src=|<link|@import", page)
    assert "{{" not in page
