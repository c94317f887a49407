"""The settings of a config dataclass: the one source of its component, flags and parameters.

A setting's text is the docstring under its field. Editors show it there, the command line and
docstring-parser read it, and the field itself stays free of helper types.
"""

import dataclasses
import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from docstring_parser.attrdoc import AttributeDocstrings

from components.shared.errors import InputError

_Type = TypeVar("_Type")
_RARE = "rarely needed"
Rare = Annotated[_Type, _RARE]
"""The type of a setting that `--help` lists last: `Rare[int]`."""
_REPEATABLE = "repeatable"
Repeatable = Annotated[_Type, _REPEATABLE]
"""The type of a list whose flag may be repeated: `Repeatable[tuple[str, ...]]`."""
Sources = Repeatable[str]
"""The type of a setting with paths and URLs, separated by commas; its flag may be repeated."""
_POSITIONAL = "positional"
Positional = Annotated[_Type, _POSITIONAL]
"""The type of a setting that is a word of its own on a command line, or several if a tuple."""
_SWITCH = "switch"
Switch = Annotated[bool, _SWITCH]
"""The type of a setting that is False unless its flag is given, which takes no value."""

REQUIRED = dataclasses.MISSING
"""The default of a setting that has none."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A field of a config."""

    name: str
    type: Any
    default: Any
    text: str
    is_rare: bool = False
    is_repeatable: bool = False
    """Whether its flag may be given several times; commas join the values."""
    is_positional: bool = False
    """Whether it is given without a flag."""
    is_switch: bool = False
    """Whether its flag takes no value."""

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a `Literal`, or of a list of them."""
        kind = typing.get_args(self.type)[0] if typing.get_origin(self.type) is tuple else self.type
        return typing.get_args(kind) if typing.get_origin(kind) is Literal else ()

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is REQUIRED

    @property
    def is_path(self) -> bool:
        """Whether it names an input or output of the stage, which Kubeflow has as an artifact."""
        return self.type is Path or Path in typing.get_args(self.type)

    @property
    def is_output(self) -> bool:
        """Whether the stage writes it."""
        return self.is_path and self.text.startswith("Output")


def list_settings(config_class: type) -> Mapping[str, Setting]:
    """Return the settings of a config by name, in the order of its fields."""
    hints = typing.get_type_hints(config_class, include_extras=True)
    texts: dict[str, str] = {}
    for ancestor in reversed(config_class.__mro__):
        if dataclasses.is_dataclass(ancestor):
            documented = AttributeDocstrings().get_attr_docs(ancestor)
            texts |= {name: inspect.cleandoc(text) for name, (text, *_) in documented.items()}
    settings = {}
    for field in dataclasses.fields(config_class):
        kind, marks = hints[field.name], []
        if typing.get_origin(kind) is Annotated:
            kind, *marks = typing.get_args(kind)
        settings[field.name] = Setting(
            name=field.name,
            type=kind,
            default=_find_default(field),
            text=" ".join(texts.get(field.name, "").split()),
            is_rare=_RARE in marks,
            is_repeatable=_REPEATABLE in marks,
            is_positional=_POSITIONAL in marks,
            is_switch=_SWITCH in marks,
        )
    return settings


def _find_default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is dataclasses.MISSING:
        return field.default
    return field.default_factory()


def expect_choices(config: object) -> None:
    """Compare the settings that have a `Literal` type with their choices.

    Raises:
        InputError: naming the setting and its choices.
    """
    for name, hint in typing.get_type_hints(type(config)).items():
        is_list = typing.get_origin(hint) is tuple
        kind = typing.get_args(hint)[0] if is_list else hint
        if typing.get_origin(kind) is not Literal:
            continue
        choices, value = typing.get_args(kind), getattr(config, name)
        for item in value if is_list else (value,):
            if item not in choices:
                raise InputError(f"{name} must be one of {', '.join(choices)}, got {item!r}")
