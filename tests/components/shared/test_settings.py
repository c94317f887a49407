"""A config's fields give the settings: type, default, text, and how often they are needed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from components.shared.errors import InputError
from components.shared.settings import REQUIRED, Rare, Setting, expect_choices, list_settings

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
