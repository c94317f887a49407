"""Reads settings from a command line, whose --help shows them in groups."""

import dataclasses
import typing
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from components.shared.settings import Setting

Groups = Mapping[str, Sequence[Setting]]
"""Settings by the title under which --help shows them, as a Python identifier."""

_KIND_TO_WORDS = {int: "whole numbers", float: "numbers"}
_WORD_TO_BOOL = {"true": True, "false": False}


def group_by_need(settings: Iterable[Setting]) -> dict[str, list[Setting]]:
    """Return the settings without a default first, outputs after inputs, and rare ones last."""
    groups: dict[str, list[Setting]] = {"required": [], "common": [], "rarely_needed": []}
    for setting in settings:
        if setting.is_required:
            groups["required"].append(setting)
        else:
            groups["rarely_needed" if setting.is_rare else "common"].append(setting)
    groups["required"].sort(key=lambda setting: setting.is_output)
    return {title: members for title, members in groups.items() if members}


def parse_flags(
    groups: Groups, arguments: Sequence[str], *, prog: str, description: str
) -> dict[str, Any]:
    """Return the value of each setting by name; print help or an error and exit where due.

    Lists are written with commas (1,8,32), and booleans as true or false.

    Args:
        groups: the settings; names are unique over all groups.
        arguments: the words of the command line.
        prog: how the command is called.
        description: the text at the top of --help.
    """
    import tyro  # here, so that compiling a pipeline and Horovod's ranks don't pay for it

    with _make_registry():
        parsed: Any = tyro.cli(
            _make_class("Settings", [(title, _make_group(one)) for title, one in groups.items()]),
            prog=prog,
            args=_join_repeated(groups, arguments),
            description=description,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagConversionOff),
        )
    values: dict[str, Any] = {}
    for title in groups:
        values |= vars(getattr(parsed, title))
    return values


def _join_repeated(groups: Groups, arguments: Sequence[str]) -> list[str]:
    """Return the words of a command line with one flag in place of several, where that is allowed.

    Others are left to the parser, which takes the last.
    """
    flags = {
        f"--{setting.name.replace('_', '-')}"
        for settings in groups.values()
        for setting in settings
        if setting.is_repeatable
    }
    words: list[str] = []
    flag_to_values: dict[str, list[str]] = {}
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=")
        flag = name.replace("_", "-")
        values = [value] if equals else []
        if flag in flags and (values := values or [*islice(rest, 1)]):
            flag_to_values.setdefault(flag, []).extend(values)
        else:
            words.append(word)
    return words + [f"{flag}={','.join(values)}" for flag, values in flag_to_values.items()]


def format_value(value: Any) -> str:
    """Return a setting's value as it is written on a command line."""
    if isinstance(value, tuple | list):
        return ",".join(map(format_value, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _make_group(settings: Iterable[Setting]) -> type:
    import tyro

    fields: list[Any] = []
    for setting in settings:
        kind: Any = Annotated[setting.type, tyro.conf.arg(help=setting.text)]  # type: ignore[name-defined]
        if setting.is_required:
            fields.append((setting.name, kind))
        else:
            fields.append((setting.name, kind, dataclasses.field(default=setting.default)))
    return _make_class("Group", fields)


def _make_class(name: str, fields: list[Any]) -> type:
    made = dataclasses.make_dataclass(name, fields, kw_only=True)
    made.__doc__ = ""  # the generated one would be shown as help
    return made


def _make_registry() -> Any:
    """Return tyro's rules with ours for lists and booleans, as people and Kubeflow write them."""
    from tyro.constructors import (
        ConstructorRegistry,
        PrimitiveConstructorSpec,
        PrimitiveTypeInfo,
    )

    registry = ConstructorRegistry()

    @registry.primitive_rule
    def boolean(info: PrimitiveTypeInfo) -> Any:
        if info.type is not bool:
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar="{true,false}",
            instance_from_str=lambda words: _parse_bool(words[0]),
            is_instance=lambda value: isinstance(value, bool),
            str_from_instance=lambda value: [format_value(value)],
        )

    @registry.primitive_rule
    def values(info: PrimitiveTypeInfo) -> Any:
        if typing.get_origin(info.type) is not tuple:
            return None
        kind = typing.get_args(info.type)[0]
        kind = kind if kind in (int, float, Path) else str
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar=f"{kind.__name__.upper()},…",
            instance_from_str=lambda words: _parse_list(words[0], kind),
            is_instance=lambda value: isinstance(value, tuple),
            str_from_instance=lambda value: [format_value(value)],
        )

    return registry


def _parse_bool(word: str) -> bool:
    if word.lower() not in _WORD_TO_BOOL:
        raise ValueError(f"expected true or false, got {word!r}")
    return _WORD_TO_BOOL[word.lower()]


def _parse_list(text: str, kind: type) -> tuple[Any, ...]:
    if not text:
        return ()
    try:
        if not all(items := [item.strip() for item in text.split(",")]):
            raise ValueError
        return tuple(map(kind, items))
    except ValueError:
        expected = _KIND_TO_WORDS.get(kind, "words")
        raise ValueError(f"expected {expected} separated by commas, got {text!r}") from None
