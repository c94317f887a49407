"""Format numbers: what is read, and what a file of a newer release is rejected with."""

import json

import pytest

from components.shared.errors import InputError, NewerFormatError
from components.shared.files.formats import (
    FORMATS,
    WRITER,
    decode_stamped,
    expect_format,
    load_stamped,
    stamp,
    without_writer,
)
from components.shared.images import VERSION


def test_a_stamp_names_number_and_writer():
    """Every file of this release begins with them."""
    assert stamp("dataset.json") == {
        "format_version": FORMATS["dataset.json"],
        "written_by": f"kubeflow-bert {VERSION}",
    }


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_of_before_numbers_has_number_1(kind):
    """As has one that names it, with its writer or without."""
    assert expect_format({"files": []}, kind, source=kind) == 1
    assert expect_format({"format_version": 1}, kind, source=kind) == 1
    assert expect_format(stamp(kind), kind, source=kind) == FORMATS[kind]


def test_a_newer_file_is_rejected_with_both_releases():
    """In one sentence with the remedy."""
    document = {"format_version": 7, "written_by": "kubeflow-bert 9.1.0"}

    with pytest.raises(NewerFormatError) as raised:
        expect_format(document, "dump.json", source="a/dump.json", remedy="run ingest again")

    assert str(raised.value) == (
        f"a/dump.json: format_version 7, written by kubeflow-bert 9.1.0; this release, {WRITER}, "
        "reads 1; use that release or a newer one, or run ingest again"
    )


@pytest.mark.parametrize("kind", ["model.json", "current.json", "lineage.json"])
def test_the_first_name_of_the_number_is_read_where_it_was_used(kind):
    """`format`, which elsewhere means something else."""
    assert expect_format({"format": 1}, kind, source=kind) == 1
    assert expect_format({"format": "packed"}, "dataset.json", source=kind) == 1
    with pytest.raises(NewerFormatError, match="format 9, written by an unnamed release"):
        expect_format({"format": 9}, kind, source=kind)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"format_version": "1"}, 'format_version: expected a whole number from 1, got "1"'),
        ({"format_version": True}, "format_version: expected a whole number from 1, got true"),
        ({"format_version": 1.0}, "format_version: expected a whole number from 1, got 1.0"),
        ({"format_version": 0}, "format_version: expected a whole number from 1, got 0"),
        ({"format_version": None}, "format_version: expected a whole number from 1, got null"),
        ({"format_version": 1, "written_by": 3}, "written_by: expected a string, got 3"),
    ],
)
def test_a_number_or_writer_of_another_type_is_rejected(fields, said):
    """Damage is no newer format."""
    with pytest.raises(InputError) as raised:
        expect_format(fields, "dump.json", source="dump.json")

    assert str(raised.value) == f"dump.json: {said}"
    assert not isinstance(raised.value, NewerFormatError)


def test_a_writers_name_of_several_lines_makes_one_line():
    """Of at most 60 characters."""
    document = {"format_version": 2, "written_by": "a\nb" * 100}

    with pytest.raises(NewerFormatError) as raised:
        expect_format(document, "record", source="record")

    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_the_number_is_checked_before_the_shape(tmp_path):
    """A newer file may look otherwise altogether."""
    text = json.dumps({"format_version": 2, "written_by": "kubeflow-bert 2.0.0", "parts": {}})
    path = tmp_path / "dump.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(NewerFormatError, match=r"written by kubeflow-bert 2\.0\.0"):
        decode_stamped(text, dict[str, int], kind="dump.json", source="dump.json")
    with pytest.raises(NewerFormatError, match=r"written by kubeflow-bert 2\.0\.0"):
        load_stamped(path, dict[str, int], kind="dump.json")


def test_a_text_without_its_writer_is_the_same_of_any_release():
    """And the same as it was before files named one."""
    before = {"format_version": 1, "lengths": {"written_by": "b"}}
    stamped = {**stamp("dataset.json"), "lengths": {"written_by": "b"}}

    assert without_writer(json.dumps(stamped, indent=2)) == json.dumps(before, indent=2)
