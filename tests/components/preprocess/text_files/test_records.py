"""What a record of a text file holds."""

import pytest

from components.preprocess.text_files.records import (
    Record,
    TextSource,
    read_record,
    split_paragraphs,
)

LONG = "The quick brown fox jumps over the lazy dog and runs"  # 52 characters


def read(data, form="json", **settings):
    source = TextSource("file", form, "en", field="text", **settings)
    return read_record(Record(0, data), source)


def test_the_text_of_a_json_line_is_in_its_field():
    """Other fields don't matter, escapes are characters, half of a pair is replaced."""
    line = rb'{"id": 1, "text": "A \u00e9.\nB.\ud800", "meta": {"text": "no"}}'

    assert read(line) == ["A é.", "B.\ufffd"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"text": "cut', "not JSON"),
        (b"The text itself", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'["text"]', "not a JSON object"),
        (b'{"body": "x"}', "without the text field"),
        (b'{"text": null}', "null"),
        (b'{"text": 3}', "not text"),
        (b'{"text": ["x"]}', "not text"),
        (b'{"text": "caf\xe9"}', "not in the encoding"),
    ],
)
def test_a_bad_line_costs_itself_only_and_is_named(line, problem):
    """What is wrong stands in dataset.json."""
    assert read(line) == problem


def test_other_encodings_are_read():
    """By Python's names."""
    assert read("Café\nЧай".encode(), "text") == ["Café", "Чай"]
    assert read("Café".encode("latin-1"), "text", encoding="latin-1") == ["Café"]
    assert read("お茶".encode("shift_jis"), "text", encoding="shift_jis") == ["お茶"]


def test_half_a_character_is_replaced():
    """UTF-7 can encode a lone surrogate, which UTF-8 can't."""
    source = TextSource("f", "text", "en", encoding="utf-7")

    assert read_record(Record(0, b"a+2AA-b"), source) == ["a\ufffdb"]


def test_a_known_problem_stays():
    """The reader has seen it."""
    assert read_record(Record(0, b"", "too long"), TextSource("f", "text", "en")) == "too long"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_paragraphs_are_lines(end):
    """Blank ones part them, or do not."""
    text = f"A heading{end}One. Two.{end}{end} {end}Three.{end}"

    assert read(text.encode(), "text") == ["A heading", "One. Two.", "Three."]


def test_wrapped_lines_are_joined():
    """As books come: all lines but a paragraph's last are nearly full."""
    text = f"{LONG}\n{LONG}\nin the end.\n\n{LONG}\nand so on."

    assert split_paragraphs(text) == [f"{LONG} {LONG} in the end.", f"{LONG} and so on."]


@pytest.mark.parametrize(
    "lines",
    [
        ["Roses are red,", "violets are blue,", "so are you."],
        [LONG * 3, LONG * 3],
        ["A heading", LONG],
        [LONG, LONG * 2],
    ],
)
def test_verse_lists_headings_and_long_lines_stay_apart(lines):
    """A line that no editor has wrapped is a paragraph."""
    assert split_paragraphs("\n".join(lines)) == lines


def test_sentences_stay_as_they_are():
    """Google's input format has one a line."""
    assert read(b"Mr. A. B. came. He left.\n Two \n", "sentences") == [
        "Mr. A. B. came. He left.",
        "Two",
    ]
