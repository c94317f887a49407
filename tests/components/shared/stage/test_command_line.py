"""Command lines made from settings: how values are written, and what --help shows where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from components.shared.errors import InputError
from components.shared.stage.command_line import (
    format_value,
    group_by_need,
    parse_config,
    parse_flags,
    parse_known_config,
)
from components.shared.stage.settings import REQUIRED, Positional, Repeatable, Setting, Switch

SETTINGS = (
    Setting(name="result", type=Path, default=REQUIRED, text="Output: a file."),
    Setting(name="hidden_depth", type=int, default=2, text="Seldom changed.", is_rare=True),
    Setting(name="data", type=Path, default=REQUIRED, text="A file."),
    Setting(name="size", type=Literal["small", "large"], default="small", text="The size."),
    Setting(name="batch_sizes", type=tuple[int, ...], default=(1, 8), text="Batch sizes."),
    Setting(name="is_on", type=bool, default=True, text="A switch."),
    Setting(name="more_text", type=str, default="", text="Files.", is_repeatable=True),
)


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Copy files."""

    action: Positional[Literal["check", "copy"]]
    """What to do."""
    files: Positional[tuple[Path, ...]]
    """What to copy."""
    limit: int | None = None
    """The most files. Without it, all."""
    skip: Repeatable[tuple[str, ...]] = ()
    """Names to skip."""
    dry_run: Switch = False
    """Copy nothing."""


def parse(*arguments: str) -> dict:
    return parse_flags(
        group_by_need(SETTINGS),
        ["--data", "a", "--result", "b", *arguments],
        prog="example",
        description="An example.",
    )


def test_values_keep_the_types_of_their_settings():
    """Lists are written with commas, booleans as true or false."""
    values = parse("--batch-sizes", "1,8, 32", "--is-on", "false", "--size", "large")

    assert values == {
        "data": Path("a"),
        "result": Path("b"),
        "size": "large",
        "batch_sizes": (1, 8, 32),
        "is_on": False,
        "more_text": "",
        "hidden_depth": 2,
    }


def test_files_may_be_named_by_one_flag_or_several():
    """In each way of writing it; other flags stay as they are."""
    assert parse("--more-text", "a,b")["more_text"] == "a,b"
    values = parse("--more-text", "a", "--is-on=false", "--more_text=b c", "--more-text=")
    assert (values["more_text"], values["is_on"]) == ("a,b c,", False)


def test_a_repeatable_flag_needs_a_value(capsys):
    """Like any other."""
    with pytest.raises(SystemExit):
        parse("--more-text")
    assert "--more-text" in capsys.readouterr().err


@pytest.mark.parametrize("value", [(1, 8), (), True, 0.5, "text"])
def test_a_formatted_value_is_read_back(value):
    """An MPIJob's launcher gets its settings as flags."""
    setting = Setting(name="it", type=type(value), default=REQUIRED, text="It.")
    if isinstance(value, tuple):
        setting = Setting(name="it", type=tuple[int, ...], default=REQUIRED, text="It.")
    arguments = ["--it", format_value(value)]

    read = parse_flags({"all": [setting]}, arguments, prog="x", description="")

    assert read == {"it": value}


@pytest.mark.parametrize(
    ("flag", "text", "said"),
    [
        ("--batch-sizes", "1,a", "expected whole numbers separated by commas, got '1,a'"),
        ("--batch-sizes", "1,", "expected whole numbers separated by commas, got '1,'"),
        ("--is-on", "maybe", "expected true or false, got 'maybe'"),
        ("--size", "huge", "huge"),
    ],
)
def test_a_wrong_value_is_rejected_with_its_flag(flag, text, said, capsys):
    """Status 2, as of any wrong command line."""
    with pytest.raises(SystemExit) as ended:
        parse(flag, text)

    assert ended.value.code == 2
    printed = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert flag in printed
    assert said in printed


def test_help_shows_required_settings_first_and_rare_ones_last(capsys):
    """Inputs stand before outputs."""
    with pytest.raises(SystemExit):
        parse("--help")

    printed = capsys.readouterr().out
    order = [
        "required",
        "--data",
        "--result",
        "common",
        "--size",
        "rarely-needed",
        "--hidden-depth",
    ]
    places = [printed.index(f" {word} ", printed.index("--help")) for word in order]
    assert places == sorted(places)
    assert "{true,false}" in printed


def test_words_without_a_flag_and_flags_without_a_value_are_read():
    """In either order; words keep their commas, which belong to a file's name."""
    config = parse_config(Copy, ["--dry-run", "copy", "a,b", "c", "--limit", "5"], prog="copy")

    assert config == Copy(
        action="copy", files=(Path("a,b"), Path("c")), limit=5, skip=(), dry_run=True
    )
    assert parse_config(Copy, ["check"], prog="copy") == Copy(action="check", files=())


def test_a_list_is_given_by_commas_or_by_its_flag_several_times():
    """Both at once too."""
    config = parse_config(Copy, ["copy", "--skip", "a,b", "x", "--skip=c"], prog="copy")

    assert config.skip == ("a", "b", "c")
    assert config.files == (Path("x"),)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "{check,copy}"),
        (("move",), "invalid choice 'move' for argument 'action'"),
        (("copy", "--limit", "None"), "--limit"),
        (("copy", "--speed", "5"), "--speed"),
    ],
)
def test_a_wrong_command_line_is_rejected(arguments, said, capsys):
    """With status 2."""
    with pytest.raises(SystemExit) as ended:
        parse_config(Copy, arguments, prog="copy")

    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_switch_with_a_value_is_rejected():
    """It would be on because of a value that says off."""
    with pytest.raises(InputError, match="--dry-run=false: --dry-run takes no value"):
        parse_config(Copy, ["copy", "a", "--dry-run=false"], prog="copy")


def test_unknown_words_are_left_in_order():
    """With the values that follow them."""
    arguments = ["copy", "a", "--seed", "7", "--dry-run", "--rate=-5", "--limit", "2"]

    config, unknown = parse_known_config(Copy, arguments, prog="copy")

    assert (config.files, config.dry_run, config.limit) == ((Path("a"),), True, 2)
    assert unknown == ["--seed", "7", "--rate=-5"]


def test_help_names_what_has_no_flag_and_shows_no_default_that_says_nothing(capsys):
    """A switch left out is off; what an absent value means is in the text."""
    with pytest.raises(SystemExit):
        parse_config(Copy, ["--help"], prog="copy")

    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "FILES What to copy. (required)" in printed
    assert "--limit INT The most files. Without it, all. --skip" in printed
    assert "--dry-run Copy nothing." in printed
    assert "(default: False)" not in printed
