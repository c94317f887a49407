"""Checksums that a publisher gives for its files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from components.ingest.download.sources import ALGORITHM_TO_HEX_DIGITS, Source
from components.shared.errors import InputError

# File name -> algorithm -> digest.
Checksums = Mapping[str, Mapping[str, str]]

# "*" stands before a name that was read in binary mode.
_LINE = re.compile(r"^(?P<digest>[0-9a-fA-F]+) [ *](?P<name>.+)$")
_HEX_DIGITS_TO_ALGORITHM = {digits: name for name, digits in ALGORITHM_TO_HEX_DIGITS.items()}


def read_checksums(path: Path) -> Checksums:
    """Read a file of checksums.

    Raises:
        InputError: if a line is not of the form that `parse_checksums` takes.
    """
    return parse_checksums(path.read_text(encoding="utf-8", errors="replace"), str(path))


def parse_checksums(text: str, label: str) -> Checksums:
    """Read lines `<digest>  <file name>`; the digest's length tells the algorithm.

    Raises:
        InputError: if a line is not of that form; it names the list by its label.
    """
    name_to_digests: dict[str, dict[str, str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.match(line.rstrip())
        algorithm = match and _HEX_DIGITS_TO_ALGORITHM.get(len(match["digest"]))
        if not match or not algorithm:
            raise InputError(
                f"{label}, line {number}: not a checksum: {line[:80]!r}; expected "
                "`<digest>  <file name>` as md5sum, sha1sum or sha256sum writes it"
            )
        name = PurePosixPath(match["name"]).name
        name_to_digests.setdefault(name, {})[algorithm] = match["digest"].lower()
    return name_to_digests


def require_listed(sources: Sequence[Source], checksums: Checksums, origin: str) -> None:
    """Refuse checksums that cover none of the sources: they would check nothing.

    Raises:
        InputError: then.
    """
    if not any(source.name in checksums for source in sources):
        listed = ", ".join(list(checksums)[:3]) or "nothing"
        raise InputError(
            f"{origin}: lists none of the inputs ({', '.join(one.name for one in sources)}), "
            f"but {listed}…; give the list that belongs to them (Wikimedia's lists hold dated "
            "names, so name the dump by its date and not by `latest`)"
        )


def with_checksums(source: Source, checksums: Checksums) -> Source:
    """The source, which now must have the listed digests of its name too.

    Raises:
        InputError: if its own conditions say otherwise.
    """
    listed = checksums.get(source.name, {})
    for algorithm, digest in source.algorithm_to_digest.items():
        if listed.get(algorithm, digest) != digest:
            raise InputError(
                f"{source.label}: its condition says {algorithm} {digest}, the checksums file "
                f"{listed[algorithm]}; correct one of them"
            )
    return replace(source, algorithm_to_digest={**listed, **source.algorithm_to_digest})
