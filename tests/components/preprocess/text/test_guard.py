import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from components.preprocess.batches import PageBatch
from components.preprocess.text.articles import read_document
from components.preprocess.text.guard import GuardedReader, Limits
from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.wikitext.sites import Site
from components.shared.errors import WorkerLostError

SITE = Site(frozenset({"file"}), frozenset({"category"}))


class Hanging(SentenceSplitter):
    """A splitter with a defect that one page meets: it never comes back."""

    def split_all(self, paragraphs, language):
        while any("hang" in one for one in paragraphs):
            pass
        return super().split_all(paragraphs, language)


class Greedy(SentenceSplitter):
    """A splitter with a defect that one page meets: it takes all memory there is."""

    def split_all(self, paragraphs, language):
        held = []
        while any("hang" in one for one in paragraphs):
            held.append(bytes(1 << 20))
        return super().split_all(paragraphs, language)


class Crashing(SentenceSplitter):
    """A splitter with a defect that one page meets: it takes its process with it."""

    def split_all(self, paragraphs, language):
        if any("hang" in one for one in paragraphs):
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().split_all(paragraphs, language)


@pytest.fixture
def make_reader(monkeypatch):
    readers = []
    # The process that reads must find this module's splitters.
    monkeypatch.syspath_prepend(os.path.dirname(__file__))

    def make(splitter=None, limits=None):
        readers.append(GuardedReader(splitter, limits))
        return readers[-1]

    yield make
    for reader in readers:
        reader.close()


@pytest.fixture
def make_batch(make_page):
    def make(*texts):
        pages = [make_page(page_id, text).encode() for page_id, text in enumerate(texts, 1)]
        return PageBatch(SITE, pages)

    return make


class Killed(SentenceSplitter):
    """A splitter whose process the kernel kills, as it does for want of memory."""

    def split_all(self, paragraphs, language):
        os.kill(os.getpid(), signal.SIGKILL)


def test_articles_are_those_of_reading_without_a_guard(make_reader, make_batch):
    """The guard changes nothing of sound pages."""
    batch = make_batch("One is here. Two is there.", "#REDIRECT [[A]]", "", "Three.")
    splitter = SentenceSplitter()
    expected = [read_document(page, SITE, splitter) for page in batch.items]

    reader = make_reader(splitter)

    assert reader.read(batch) == expected
    assert reader.read(batch) == expected
    assert expected[0] == (1, b"One is here.\nTwo is there.")


@pytest.mark.parametrize(
    ("splitter", "limits", "reason"),
    [
        (Hanging, Limits(cpu_seconds=0.5), "too slow"),
        (Greedy, Limits(memory_bytes=64 << 20), "too much memory"),
        (Crashing, Limits(), "failed"),
    ],
)
def test_page_costs_itself_only(make_reader, make_batch, splitter, limits, reason):
    """A page that hangs, takes all memory or crashes is counted; those beside it are read."""
    batch = make_batch("First.", "They hang.", "Third.", "We hang.", "Last.")

    read = make_reader(splitter(), limits).read(batch)

    assert read == [(1, b"First."), reason, (3, b"Third."), reason, (5, b"Last.")]


class Slow(SentenceSplitter):
    """A splitter that takes half a second and some memory."""

    def split_all(self, paragraphs, language):
        end, taken = time.process_time() + 0.5, bytearray(128 << 20)
        while time.process_time() < end:
            taken[0] = 1
        return super().split_all(paragraphs, language)


def test_a_long_document_gets_more_in_proportion(make_reader, make_batch):
    """Of time and memory, where the settings let it through at all."""
    limits = Limits(cpu_seconds=0.2, memory_bytes=64 << 20, document_bytes=1000)
    batch = make_batch("Short.", "Long. " + "<!-- padding -->" * 1000, "Short.")

    read = make_reader(Slow(), limits).read(batch)

    assert read[1] == (2, b"Long.")
    assert read[0] == read[2] in ("too slow", "too much memory")


def test_documents_that_meet_a_limit_together_are_read_alone(make_reader, make_batch):
    """The limits are those of a document, whatever it is read with."""
    read = make_reader(Slow(), Limits(cpu_seconds=0.8)).read(make_batch("One.", "Two."))

    assert read == [(1, b"One."), (2, b"Two.")]


BRACES = 20_000
PATHOLOGICAL = {
    "nested braces": "{{" * BRACES + "x" + "}}" * BRACES,
    "open braces": "{{" * 2 * BRACES,
    "nested links": "[[a|" * BRACES + "]]" * BRACES,
    "nested tables": "\n{|\n|" * BRACES + "\n|}" * BRACES,
    "nested arguments": "{{convert|" * BRACES + "1|km" + "}}" * BRACES,
    "open references": "&lt;ref&gt;" * BRACES,
    "open comments": "&lt;!--" * BRACES,
    "quotes": "'''''" * BRACES,
    "web links": "[http://a " * BRACES,
    "headings": "=" * 4 * BRACES,
    "tags": "&lt;a" * 2 * BRACES,
    "entities": "&amp;amp;" * BRACES,
    "brackets": "(" * 4 * BRACES,
    "one word": "x" * 4 * BRACES,
    "full stops": "." * 4 * BRACES,
    "no-width": "\u200b" * BRACES,
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_pathological_page_takes_little(make_reader, make_batch, name):
    """Pages that hang or fill other parsers are read within limits, with the next page."""
    read = make_reader(SentenceSplitter(), Limits(cpu_seconds=5, memory_bytes=512 << 20)).read(
        make_batch(PATHOLOGICAL[name], "After.")
    )

    assert read[0] not in ("too slow", "too much memory", "failed")
    assert read[1] == (2, b"After.")


def test_reading_ends_with_its_reader(make_reader, make_batch):
    """Closing leaves no process behind."""
    reader = make_reader()
    reader.read(make_batch("Text."))
    pid = reader._process.pid

    reader.close()

    assert not os.path.exists(f"/proc/{pid}")


def test_limits_are_not_this_process_own(make_reader, make_batch):
    """Only the process that reads is limited."""
    before = resource.getrlimit(resource.RLIMIT_AS)

    make_reader().read(make_batch("Text."))

    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_process_that_reads_starts_without_beam():
    """Beam takes seconds to import, and each page that ends the process has it start anew."""
    check = "import sys, components.preprocess.text.guard; sys.exit('apache_beam' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_killed_process_is_no_fault_of_a_document(make_reader, make_batch):
    """Which document it had at hand is chance, and the dataset must not depend on it."""
    with pytest.raises(WorkerLostError, match="memory ran out; give more memory, or lower num_"):
        make_reader(Killed()).read(make_batch("One is here.", "Two is there."))
