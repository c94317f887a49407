"""The typed reader: what is accepted, and what its messages say."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from components.shared.errors import InputError
from components.shared.files.documents import decode_json, decode_yaml, load_json, load_yaml

# Each line has the one before nine times: 9^20 values in half a kilobyte.
BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)


@dataclass(frozen=True)
class Shard:
    file: str
    num_rows: int


@dataclass(frozen=True)
class Manifest:
    shards: tuple[Shard, ...]
    fill: float = 1.0
    labels: dict[str, str] = field(default_factory=dict)
    step: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.fill > 1:
            raise InputError(f"fill must be at most 1, got {self.fill}")


def test_a_document_becomes_what_its_reader_expects():
    """Missing fields have their defaults, unknown ones are ignored, a float may be whole."""
    text = '{"shards": [{"file": "a", "num_rows": 2, "x": 1}], "fill": 1, "step": null}'

    manifest = decode_json(text, Manifest, source="m.json")

    assert manifest == Manifest((Shard("a", 2),), 1.0)
    assert isinstance(manifest.fill, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "m.json: line 1, column 2: not JSON: Expecting property name enclosed in double"),
        ("[]", "m.json: expected an object, got []"),
        ("{}", "m.json: shards: missing"),
        ('{"shards": [{"file": "a"}]}', "m.json: shards[0].num_rows: missing"),
        (
            '{"shards": [{"file": "a", "num_rows": true}]}',
            "m.json: shards[0].num_rows: expected a whole number, got true",
        ),
        (
            '{"shards": [{"file": "a", "num_rows": 2.0}]}',
            "m.json: shards[0].num_rows: expected a whole number, got 2.0",
        ),
        (
            '{"shards": [{"file": "a", "num_rows": 18446744073709551616}]}',
            "m.json: shards[0].num_rows: expected at most 64 bits, got 18446744073709551616",
        ),
        ('{"shards": [], "fill": NaN}', "m.json: fill: expected a finite number, got nan"),
        ('{"shards": [], "fill": 1e999}', "m.json: fill: expected a finite number, got inf"),
        ('{"shards": [], "fill": 2}', "m.json: fill must be at most 1, got 2.0"),
        ('{"shards": [], "labels": {"a": 1}}', "m.json: labels.a: expected a string, got 1"),
        ('{"shards": [], "step": "1"}', 'm.json: step: expected a whole number or null, got "1"'),
        ('{"shards": [], "more": {"a": [0, NaN]}}', "m.json: more.a[1]: expected a finite number"),
        ("[" * 100_000, "m.json: nested too deeply"),
        ("9" * 5000, "m.json: not JSON: Exceeds the limit (4300 digits)"),
        (b'"\xff"', "m.json: byte 1 is not utf-8; JSON is UTF-8"),
        (f'"{"x" * 100}"', f'm.json: expected an object, got "{"x" * 58}…'),
    ],
)
def test_an_error_names_place_expected_and_found(text, message):
    """In one line."""
    with pytest.raises(InputError) as error:
        decode_json(text, Manifest, source="m.json")

    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_lone_surrogates_are_replaced():
    """Half a pair is no character; whole pairs are."""
    assert decode_json(r'"a\ud800b\ud83d\ude00"', str, source="x") == "a\ufffdb😀"
    assert decode_yaml(r'"a\ud800b"', str, source="x") == "a\ufffdb"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "s.yaml: line 1, column 5: not YAML: expected the node content"),
        ("[1]", "s.yaml: expected an object, got [1]"),
        ("1: x", "s.yaml: expected names as keys, got 1"),
        ("a: 2026-13-45", "s.yaml: not YAML: month must be in 1..12"),
        ("a: .nan", "s.yaml: a: expected a finite number, got nan"),
        ("a: &x [*x]", "s.yaml: aliases (*name) repeat too many values"),
        (BOMB, "s.yaml: aliases (*name) repeat too many values"),
        ("a: " + "[" * 5000 + "]" * 5000, "s.yaml: nested too deeply"),
        ("a: " + "9" * 5000, "s.yaml: not YAML: Exceeds the limit (4300 digits)"),
        ("? [1]\n: 2", "s.yaml: line 1, column 3: not YAML: found unhashable key"),
        (b"\xff", "s.yaml: byte 0 is not UTF-8"),
        ("a: \x00", "s.yaml: not YAML: unacceptable character #x0000"),
    ],
)
def test_yaml_is_read_the_same_way(text, message):
    """With messages of one line."""
    with pytest.raises(InputError) as error:
        decode_yaml(text, dict[str, Any], source="s.yaml")

    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_yaml_aliases_stand_for_what_they_name():
    """As settings that several schedules share."""
    text = "a: &common {x: 1}\nb: {<<: *common, y: 2}\nc: *common"

    document = decode_yaml(text, dict[str, dict[str, int]], source="s.yaml")

    assert document == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


@pytest.mark.parametrize("load", [load_json, load_yaml])
def test_a_file_that_cannot_be_read_is_named(tmp_path, load):
    """With what to do about it."""
    with pytest.raises(InputError, match=r"x: no such file or directory; get it again"):
        load(tmp_path / "x", dict[str, Any], remedy="get it again")
    with pytest.raises(InputError, match="is a directory"):
        load(tmp_path, dict[str, Any])
