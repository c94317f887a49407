"""The text of a table in whatever encoding its file is, and which that may be."""

import json
from pathlib import Path

from components.shared.errors import InputError


def read_text(path: Path, label: str, encoding: str) -> str:
    """Read a file. If its lines end with carriage returns alone, they become line feeds.

    Args:
        path: the file.
        label: how messages call it.
        encoding: "" for that of its byte order mark, or else UTF-8.

    Raises:
        InputError: naming the first byte that the encoding does not have.
    """
    content = path.read_bytes()
    # A byte order mark, or the zeros of UTF-16 and UTF-32, tell the encoding; MRPC's file has one.
    detected = json.detect_encoding(content)
    encoding = encoding or detected
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{label}, line {line}: byte {error.start} of the file (0x{content[error.start]:02x}) "
            f"is not {error.encoding.upper()}; {_suggest_encoding(content, encoding, detected)}"
        ) from None
    # Ended by carriage returns alone, as by the Macs of old, it would be a single line.
    return text if "\n" in text else text.replace("\r", "\n")


def _suggest_encoding(content: bytes, encoding: str, detected: str) -> str:
    """Say what to do about a file that is not in an encoding.

    Args:
        content: of the file.
        encoding: what it is not in.
        detected: what its first bytes say.
    """
    is_wide = not detected.startswith("utf-8")  # a mark or zeros, which no other has
    if is_wide and encoding == detected:
        return "the file is cut short or damaged: fetch it again"
    suggested = detected if is_wide else _find_encoding(content)
    return f"set encoding to the file's own, such as {suggested}"


def _find_encoding(content: bytes) -> str:
    """An encoding that a file of single bytes can be read in, best first."""
    for encoding, note in (("utf-8", ""), ("cp1252", " (Windows, Western Europe)")):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding + note
    return "latin1 (which reads any file, but not all of them right)"
