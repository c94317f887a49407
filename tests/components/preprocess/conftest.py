"""Dumps and vocabularies for the tests of preprocess."""

import bz2
from pathlib import Path

import pytest

from components.preprocess.config import PreprocessConfig
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>testwiki</dbname>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="6" case="first-letter">Datei</namespace>
      <namespace key="14" case="first-letter">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""
FOOT = "</mediawiki>\n"
WORDS = ("the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "dogs", "run", "by", "red")


def _make_page(page_id, text, *, title="", namespace=0, extra=""):
    """A page of an export; `text` is escaped already."""
    return (
        f"  <page>\n    <title>{title or f'Page {page_id}'}</title>\n    <ns>{namespace}</ns>\n"
        f"    <id>{page_id}</id>\n{extra}    <revision>\n      <id>{page_id * 10}</id>\n"
        f'      <model>wikitext</model>\n      <text xml:space="preserve">{text}</text>\n'
        "    </revision>\n  </page>\n"
    )


def _make_article(page_id, num_sentences=30):
    """Sentences of six words that differ from page to page."""
    sentences = []
    for number in range(num_sentences):
        start = page_id * 7 + number * 3 + number // 5
        words = [WORDS[(start + step * (1 + page_id % 3)) % len(WORDS)] for step in range(6)]
        sentences.append(" ".join(words).capitalize() + ".")
    return _make_page(page_id, " ".join(sentences))


@pytest.fixture
def vocabulary():
    """The words of `make_article`, whole, and their letters."""
    letters = sorted({letter for word in WORDS for letter in word})
    pieces = (*SPECIAL_PIECES, ".", *WORDS, *letters, *(f"##{letter}" for letter in letters))
    return Vocabulary(tuple(dict.fromkeys(pieces)), 0, 1, 2, 3, 4, sha256="")


@pytest.fixture
def vocabulary_file(tmp_path, vocabulary) -> Path:
    """The same as a file."""
    path = tmp_path / "given-vocab.txt"
    path.write_text("".join(f"{piece}\n" for piece in vocabulary.pieces))
    return path


@pytest.fixture
def dump_folder(tmp_path) -> Path:
    """A folder for a dump, empty."""
    folder = tmp_path / "dump"
    folder.mkdir()
    return folder


@pytest.fixture
def make_page():
    """Makes a page of an export."""
    return _make_page


@pytest.fixture
def make_article():
    """Makes a page with sentences of its own."""
    return _make_article


@pytest.fixture
def write_dump(dump_folder):
    """Writes pages as an export of some streams; returns its path."""

    def write(*pages, name="dump.xml.bz2", num_streams=1):
        path = dump_folder / name
        size = max(1, -(-len(pages) // num_streams))
        groups = ["".join(pages[start : start + size]) for start in range(0, len(pages), size)]
        path.write_bytes(b"".join(bz2.compress(one.encode()) for one in (HEAD, *groups, FOOT)))
        return path

    return write


@pytest.fixture
def make_config(tmp_path, dump_folder, vocabulary_file):
    """Makes a config of one worker, whose outputs are in the folder `name`."""

    def make(name="out", **settings):
        values = {
            "dump_files": dump_folder,
            "given_vocabulary": vocabulary_file,
            "dataset": tmp_path / name / "dataset",
            "vocabulary": tmp_path / name / "vocab.txt",
            "sequence_lengths": "16,64",
            "num_shards": 2,
            "num_workers": 1,
        }
        return PreprocessConfig(**(values | settings))

    return make
