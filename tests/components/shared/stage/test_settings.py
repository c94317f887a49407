"""A config's fields give the settings: type, default, text, and how often they are needed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from components.shared.errors import InputError
from components.shared.stage.settings import (
    REQUIRED,
    Positional,
    Rare,
    Repeatable,
    Setting,
    Sources,
    Switch,
    expect_choices,
    list_settings,
)

Size = Literal["small", "large"]


@dataclass(frozen=True, kw_only=True)
class Base:
    """What two configs share."""

    rate: float
    """A fraction
    of something."""
    size: Size = "small"
    """The size."""


@dataclass(frozen=True, kw_only=True)
class Example(Base):
    """An example."""

    data: Path
    """Output: a file."""
    rate: Rare[float] = 0.5
    sizes: tuple[Size, ...] = ()
    """Several sizes."""


def test_a_field_gives_type_default_and_text():
    """The text is the nearest docstring under the field, on one line."""
    settings = list_settings(Example)

    assert list(settings) == ["rate", "size", "data", "sizes"]
    assert settings["rate"] == Setting(
        name="rate", type=float, default=0.5, text="A fraction of something.", is_rare=True
    )
    assert settings["size"].type is Size
    assert settings["data"].default is REQUIRED
    assert settings["data"].is_path
    assert settings["data"].is_output
    assert not settings["size"].is_path


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"size": "huge"}, "^size must be one of small, large, got 'huge'$"),
        ({"sizes": ("small", "huge")}, "^sizes must be one of small, large, got 'huge'$"),
    ],
)
def test_another_value_than_the_choices_is_rejected(values, said):
    """Each item of a list counts."""
    expect_choices(Example(data=Path("x"), sizes=("large", "small")))
    with pytest.raises(InputError, match=said):
        expect_choices(Example(data=Path("x"), **values))


def test_a_type_says_how_the_command_line_takes_a_setting():
    """A word of its own, a flag several times, or a flag without a value; also a rare one."""

    @dataclass(frozen=True, kw_only=True)
    class Command:
        name: Positional[str]
        files: Sources
        places: Repeatable[tuple[str, ...]]
        dry_run: Rare[Switch] = False

    settings = list_settings(Command)

    assert [name for name, one in settings.items() if one.is_positional] == ["name"]
    assert [name for name, one in settings.items() if one.is_repeatable] == ["files", "places"]
    assert [name for name, one in settings.items() if one.is_switch] == ["dry_run"]
    assert settings["dry_run"].is_rare
    assert settings["dry_run"].type is bool


def test_a_default_may_be_found_out_when_settings_are_listed():
    """The environment of the process, say."""
    hosts = ["first", "second"]

    @dataclass(frozen=True, kw_only=True)
    class Command:
        host: str = field(default_factory=lambda: hosts.pop(0))

    assert list_settings(Command)["host"].default == "first"
    assert list_settings(Command)["host"].default == "second"
