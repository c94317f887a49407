"""dump.json: what the files of a dump are, and where they come from."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.files.atomic import write_text
from components.shared.files.formats import stamp

MANIFEST = "dump.json"

# enwiki-20260101-pages-articles.xml.bz2, enwiki-2026-01-01-p10p1113635.xml.bz2
_DATED_NAME = re.compile(r"^(?P<wiki>[a-z][a-z0-9_]*)-(?P<date>\d{8}|\d{4}-\d{2}-\d{2})-")


@dataclass(frozen=True)
class DumpFile:
    """One file of a dump."""

    name: str
    bytes: int
    sha256: str
    crc32c: str
    """In hexadecimal: a store can be asked for it."""
    source: str
    """Path or address it was taken from."""
    wiki: str | None
    """The wiki's database name, as `enwiki`, where the export or its file name tells it."""
    date: str | None
    """Day of the dump, YYYY-MM-DD, where the file name tells it."""


def describe_file(
    *, name: str, num_bytes: int, digests: Mapping[str, str], source: str, wiki: str | None
) -> DumpFile:
    """Describe a file, with what its name tells."""
    match = _DATED_NAME.match(name)
    day = match["date"].replace("-", "") if match else None
    return DumpFile(
        name=name,
        bytes=num_bytes,
        sha256=digests["sha256"],
        crc32c=digests["crc32c"],
        source=source,
        wiki=wiki or (match["wiki"] if match else None),
        date=f"{day[:4]}-{day[4:6]}-{day[6:]}" if day else None,
    )


def write_manifest(folder: Path, files: Sequence[DumpFile]) -> None:
    """Write dump.json."""
    document = {**stamp(MANIFEST), "files": [asdict(file) for file in files]}
    write_text(folder / MANIFEST, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def summarize(files: Sequence[DumpFile]) -> Mapping[str, Any]:
    """Return what the Kubeflow UI shows of a dump."""
    wikis = sorted({file.wiki for file in files if file.wiki})
    dates = sorted({file.date for file in files if file.date})
    return {
        "files": len(files),
        "bytes": sum(file.bytes for file in files),
        "wiki": ", ".join(wikis),
        "date": ", ".join(dates),
    }


def require_distinct_names(
    name_to_source: Sequence[tuple[str, str]], *, manifest: str = MANIFEST, what: str = "dump"
) -> None:
    """Refuse files that would take one name in an output folder.

    Args:
        name_to_source: each file's name, and what messages call it.
        manifest: the name that the folder's manifest takes.
        what: what the files are of.

    Raises:
        InputError: then.
    """
    seen: dict[str, str] = {manifest: "the manifest"}
    for name, source in name_to_source:
        if name in seen:
            raise InputError(
                f"{source}: {seen[name]} has the name {name} too; give each file of the {what} "
                "once, and rename those that share a name"
            )
        seen[name] = source
