"""Reads settings from a command line, whose --help shows them in groups."""

import dataclasses
import inspect
import typing
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

from components.shared.errors import InputError
from components.shared.stage.settings import Setting, list_settings

Config = TypeVar("Config")

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

    Raises:
        InputError: if a switch is given a value.
    """
    values, _ = _parse(groups, arguments, prog, description, takes_unknown=False)
    return values


def parse_config(
    config_class: type[Config], arguments: Sequence[str], *, prog: str, description: str = ""
) -> Config:
    """Return a config dataclass as a command line gives its settings, like `parse_flags`.

    Args:
        config_class: its docstring is the text at the top of --help.
        arguments: the words of the command line.
        prog: how the command is called.
        description: replaces the docstring.
    """
    values = parse_flags(
        group_by_need(list_settings(config_class).values()),
        arguments,
        prog=prog,
        description=description or inspect.getdoc(config_class) or "",
    )
    return config_class(**values)


def parse_known_config(
    config_class: type[Config], arguments: Sequence[str], *, prog: str
) -> tuple[Config, list[str]]:
    """Return a config like `parse_config`, and in their order the words that name none of it."""
    values, unknown = _parse(
        group_by_need(list_settings(config_class).values()),
        arguments,
        prog,
        inspect.getdoc(config_class) or "",
        takes_unknown=True,
    )
    return config_class(**values), unknown


def _parse(
    groups: Groups, arguments: Sequence[str], prog: str, description: str, *, takes_unknown: bool
) -> tuple[dict[str, Any], list[str]]:
    import tyro  # here, so that Horovod's ranks don't pay for it

    _expect_bare_switches(groups, arguments)
    parse: Any = tyro.cli
    with _make_registry():
        parsed = parse(
            _make_class("Settings", _make_fields(groups)),
            prog=prog,
            args=_join_repeated(groups, arguments),
            description=description,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.DisallowNone),
            return_unknown_args=takes_unknown,
        )
    parsed, unknown = parsed if takes_unknown else (parsed, [])
    values: dict[str, Any] = {}
    for name, value in vars(parsed).items():
        values |= vars(value) if name in groups else {name: value}
    return values, unknown


def _expect_bare_switches(groups: Groups, arguments: Iterable[str]) -> None:
    """Reject --dry-run=false, which the parser would read as --dry-run and a word of its own."""
    switches = {
        f"--{setting.name.replace('_', '-')}"
        for settings in groups.values()
        for setting in settings
        if setting.is_switch
    }
    for word in arguments:
        flag, equals, _ = word.partition("=")
        if equals and flag.replace("_", "-") in switches:
            raise InputError(f"{word}: {flag} takes no value; leave it out to turn it off")


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


def _make_fields(groups: Groups) -> list[Any]:
    """Return the fields of the class to parse: settings without a flag, then the groups."""
    words, fields = [], []
    for title, settings in groups.items():
        # Outside the group: an error would name its title too.
        words += _list_fields(one for one in settings if one.is_positional)
        if flags := _list_fields(one for one in settings if not one.is_positional):
            fields.append((title, _make_class("Group", flags)))
    return words + fields


def _list_fields(settings: Iterable[Setting]) -> list[Any]:
    import tyro

    fields: list[Any] = []
    for setting in settings:
        form: Any = tyro.conf.FlagConversionOff
        if setting.is_positional:
            form = tyro.conf.Positional
        elif setting.is_switch:
            form = tyro.conf.FlagCreatePairsOff
        kind: Any = Annotated[setting.type, _describe(setting), form]  # type: ignore[name-defined]
        if setting.is_required:
            fields.append((setting.name, kind))
        else:
            fields.append((setting.name, kind, dataclasses.field(default=setting.default)))
    return fields


def _describe(setting: Setting) -> Any:
    """Return how --help shows a setting; its text says what None or a switch left out means."""
    import tyro

    hint = "" if setting.default is None or setting.is_switch else None
    return tyro.conf.arg(
        help=setting.text,
        help_behavior_hint="(required)" if setting.is_required else hint,
        metavar=setting.name.upper() if setting.is_positional and not setting.choices else None,
    )


def _make_class(name: str, fields: list[Any]) -> type:
    made = dataclasses.make_dataclass(name, fields, kw_only=True)
    made.__doc__ = ""  # the generated one would be shown as help
    return made


def _make_registry() -> Any:
    """Return tyro's rules with ours for lists and booleans, as people and Kubeflow write them."""
    import tyro
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
        if tyro.conf.Positional in info.markers:
            return PrimitiveConstructorSpec(
                nargs="*",
                metavar=kind.__name__.upper(),
                instance_from_str=lambda words: tuple(map(kind, words)),
                is_instance=lambda value: isinstance(value, tuple),
                str_from_instance=lambda value: [format_value(one) for one in value],
            )
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
