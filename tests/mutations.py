"""Damages documents as disks, editors and hostile authors do, the same way for the same seed."""

import dataclasses
import math
import random
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.shared.errors import InputError

NUM_MUTATIONS = 2000
_JSON_VALUES = (
    b"null", b"true", b"-1", b"0", b"1.5", b"1e999", b"NaN", b"-Infinity", b'""', b'"\\ud800"',
    b"[]", b"{}", b"[[[[1]]]]", b"9" * 5000, b"[" * 5000 + b"]" * 5000, b'{"a":' * 5000, b'"\xff"',
    b"18446744073709551616",
)  # fmt: skip


def mutate(content: bytes, random_: random.Random) -> bytes:
    """Change some bytes of a file."""
    kind = random_.choice((_cut, _flip, _overwrite, _double, _drop, _swap))
    return kind(bytearray(content), random_)


def mutate_document(content: bytes, random_: random.Random) -> bytes:
    """Change some bytes of a text document, or put another value in place of one of its own."""
    if random_.random() < 0.5:
        return mutate(content, random_)
    text = content.decode("utf-8")
    starts = [index for index, character in enumerate(text) if character in ":,[ "]
    start = random_.choice(starts or [0]) + 1
    end = start
    while end < len(text) and text[end] not in ",]}\n":
        end += 1
    value = random_.choice(_JSON_VALUES)
    return text[:start].encode() + b" " + value + text[end:].encode()


def fuzz(content: bytes, read: Callable[[bytes], Any], hint: Any = Any) -> list[str]:
    """Read a damaged document 2,000 times; return the messages of those that were rejected.

    Asserts that each message is one line, and that what was accepted has the types of `hint`,
    without NaN, infinity or half a surrogate pair.
    """
    random_ = random.Random(15)
    messages = []
    for _ in range(NUM_MUTATIONS):
        damaged = mutate_document(content, random_)
        try:
            value = read(damaged)
        except InputError as error:
            messages.append(str(error))
            continue
        assert is_sound(value, hint), value
    assert not [message for message in messages if "\n" in message]
    return messages


def is_sound(value: Any, hint: Any) -> bool:
    """Whether a value is of a type throughout, without NaN, infinity or half a surrogate pair."""
    arguments, kind = typing.get_args(hint), typing.get_origin(hint) or hint
    if kind is typing.Literal:
        return value in arguments
    if kind in (typing.Union, types.UnionType):
        return any(is_sound(value, argument) for argument in arguments)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return isinstance(value, kind) and all(
            is_sound(getattr(value, name), hints[name]) for name in hints
        )
    if isinstance(value, Mapping):
        item_hint = arguments[1] if arguments else Any
        return kind in (dict, Mapping, Any) and all(
            is_sound(name, str) and is_sound(item, item_hint) for name, item in value.items()
        )
    if isinstance(value, list | tuple):
        item_hint = arguments[0] if arguments else Any
        return kind in (list, tuple, Sequence, Any) and all(
            is_sound(item, item_hint) for item in value
        )
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        return False
    if kind is Any:
        return True
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _cut(content: bytearray, random_: random.Random) -> bytes:
    return bytes(content[: random_.randrange(len(content) + 1)])


def _flip(content: bytearray, random_: random.Random) -> bytes:
    if content:
        content[random_.randrange(len(content))] ^= 1 << random_.randrange(8)
    return bytes(content)


def _overwrite(content: bytearray, random_: random.Random) -> bytes:
    start = random_.randrange(len(content) + 1)
    size = min(random_.randint(1, 16), len(content) - start)
    content[start : start + size] = random_.randbytes(size)
    return bytes(content)


def _double(content: bytearray, random_: random.Random) -> bytes:
    start = random_.randrange(len(content) + 1)
    part = content[start : start + random_.randint(1, 64)]
    return bytes(content[:start] + part + content[start:])


def _drop(content: bytearray, random_: random.Random) -> bytes:
    start = random_.randrange(len(content) + 1)
    del content[start : start + random_.randint(1, 64)]
    return bytes(content)


def _swap(content: bytearray, random_: random.Random) -> bytes:
    first, second = sorted(random_.randrange(len(content) + 1) for _ in range(2))
    return bytes(content[second:] + content[first:second] + content[:first])
