"""What a user named as input: a path, a pattern or an address, with conditions."""

import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit

from components.ingest.dump.names import parse_dump_name
from components.shared.errors import InputError
from components.shared.files.atomic import split_places
from components.shared.files.dumps import Compression
from components.shared.files.text import mask_addresses, replace_surrogates
from components.shared.storage.locations import split_bucket

ALGORITHM_TO_HEX_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}

_SCHEMES = ("http", "https", "gs", "s3")
# Of the 255 that file systems allow: names of parts and notes have more than the file's own.
_MAX_NAME_BYTES = 200
_BUCKET_SCHEMES = ("gs://", "s3://")
# As a path, it would be shown with the password that it may hold.
_ONE_SLASH = re.compile(f"({'|'.join(_SCHEMES)}):/(?!/)", re.IGNORECASE)
# Wikimedia names the parts of large plain exports "….xml-p1p41242".
_PLAIN_EXPORT = re.compile(r"\.xml(-p\d+p\d+)?$")
_CONDITIONS = re.compile(r"^\w+=[^=]*$")
# Exports in a folder or an archive; the index of a multistream dump is not an export.
_EXPORT = re.compile(r"\.xml(-p\d+p\d+)?(\.bz2|\.gz)?$")
_TAR = re.compile(r"\.(tar|tar\.gz|tgz|tar\.bz2|tbz2)$")
# What makes a name a pattern, as in glob.
_MAGIC = re.compile(r"[*?]|\[[^\]/]+\]")


@dataclass(frozen=True)
class Source:
    """One thing to fetch."""

    location: str
    """Path, pattern or address, without conditions."""
    num_bytes: int | None = None
    """The size it must have."""
    algorithm_to_digest: Mapping[str, str] = field(default_factory=dict)
    """The checksums it must have."""

    def __post_init__(self) -> None:
        """Reject a name that a pattern found and no manifest can hold.

        Raises:
            InputError: if it is not UTF-8.
        """
        if (shown := replace_surrogates(self.location)) != self.location:
            raise InputError(f"{shown}: the name is not UTF-8; rename the file")

    @property
    def has_conditions(self) -> bool:
        """Whether its size or a checksum must be verified."""
        return self.num_bytes is not None or bool(self.algorithm_to_digest)

    @property
    def is_remote(self) -> bool:
        """Whether it must be downloaded."""
        return "://" in self.location

    @property
    def is_on_web(self) -> bool:
        """Whether a web server sends it, which may send a page in its place."""
        return self.is_remote and not self.is_in_bucket

    @property
    def is_in_bucket(self) -> bool:
        """Whether it is an object, or a pattern of some."""
        return self.location.startswith(_BUCKET_SCHEMES)

    @property
    def is_bucket_pattern(self) -> bool:
        """Whether it stands for all objects that it matches."""
        return self.is_in_bucket and _MAGIC.search(self.location) is not None

    @property
    def name(self) -> str:
        """Return the file's name."""
        if not self.is_remote:
            return Path(self.location).name
        # In a bucket's pattern, a question mark starts no query.
        path = self.location if self.is_in_bucket else urlsplit(self.location).path
        return PurePosixPath(unquote(path)).name

    @property
    def is_export(self) -> bool:
        """Whether its name is that of a MediaWiki export."""
        is_hidden = self.name.startswith(".")  # as macOS's notes of a file in an archive: ._a.xml
        return not is_hidden and _EXPORT.search(self.name) is not None

    @property
    def is_tar(self) -> bool:
        """Whether it is an archive of exports."""
        return _TAR.search(self.name) is not None

    @property
    def label(self) -> str:
        """How messages and manifests call it: an address loses what may be secret."""
        if not self.is_remote:
            return self.location
        parts = urlsplit(self.location)
        host = parts.netloc.rpartition("@")[2]
        if self.is_in_bucket:  # where a question mark is part of a name
            return self.location.replace(parts.netloc, host, 1)
        return urlunsplit((parts.scheme, host, parts.path, "", ""))


def parse_source(text: str) -> Source:
    """Read one path or address with its conditions.

    Raises:
        InputError: if the address or a condition is not of a known form.
    """
    location, mark, conditions = text.strip().rpartition("#")
    if not mark or not all(map(_CONDITIONS.match, conditions.split("&"))):
        location, conditions = text.strip(), ""
    source = Source(location)
    if found := _ONE_SLASH.match(location):
        raise InputError(
            f"an address begins with {found[1]}://, got {found[0]}; write both slashes"
        )
    if source.is_remote:
        _check_address(source)
    for condition in filter(None, conditions.split("&")):
        source = _add_condition(source, *condition.split("="))
    return source


def parse_sources(text: str) -> list[Source]:
    """Read paths, patterns and addresses that commas or white space part; none of an empty text.

    Raises:
        InputError: if one is not of a known form.
    """
    return [parse_source(place) for place in split_places(text)]


def parse_dump(text: str) -> list[Source]:
    """Read the dump's names, paths, patterns and addresses.

    Raises:
        InputError: if one is not of a known form or not named like an export.
    """
    sources = parse_sources(text)
    for source in sources:
        is_named = parse_dump_name(source.location) or os.path.isdir(source.location)
        if not _MAGIC.search(source.name) and not is_named and not source.is_tar:
            find_compression(source)
    return sources


def find_exports(source: Source) -> list[Source]:
    """The exports in a folder and its subfolders, sorted by path; other files are left out.

    Raises:
        InputError: if there is none.
    """
    paths = sorted(str(path) for path in Path(source.location).rglob("*") if path.is_file())
    found = [path for path in paths if replace(source, location=path).is_export]
    if not found:
        raise InputError(
            f"{source.location}: no export in this folder; an export's name ends in .xml, .xml.bz2 "
            "or .xml.gz"
        )
    return name_matches(source, found)


def list_data(source: Source) -> list[Source]:
    """The files in a folder and its subfolders, sorted by path, without markers like _SUCCESS.

    Raises:
        InputError: if the folder has no such file.
    """
    folder = Path(source.location)
    found = sorted(
        str(path)
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts)
    )
    if not found:
        raise InputError(f"{source.location}: no file in this folder; name those that hold text")
    return name_matches(source, found)


def resolve_local(source: Source) -> list[Source]:
    """The files that a path or a pattern names, in the order of their names.

    Raises:
        InputError: if there is none.
    """
    if source.is_remote or os.path.isfile(source.location):
        return [source]
    if os.path.isdir(source.location):
        raise InputError(f"{source.location}: a folder, not a file; name a file in it")
    if not glob.has_magic(source.location):
        raise InputError(
            f"{source.location}: no such file; the path counts from {Path.cwd()} "
            "and must be readable where this step runs"
        )
    paths = sorted(
        path for path in glob.glob(source.location, recursive=True) if os.path.isfile(path)
    )
    if not paths:
        raise InputError(f"{source.location}: no file matches this pattern (from {Path.cwd()})")
    return name_matches(source, paths)


def name_matches(source: Source, locations: Sequence[str]) -> list[Source]:
    """A source for each file that a pattern matches.

    Raises:
        InputError: if conditions that hold for one file are given for several.
    """
    if len(locations) > 1 and source.has_conditions:
        raise InputError(
            f"{source.location}: conditions (#…) hold for one file, and {len(locations)} match; "
            "name each file, or list their checksums in a file for --checksums"
        )
    return [replace(source, location=location) for location in locations]


def find_compression(source: Source) -> Compression:
    """How an export's name says it is compressed.

    Raises:
        InputError: if the name says nothing.
    """
    if source.name.endswith(".bz2"):
        return "bz2"
    if source.name.endswith(".gz"):
        return "gzip"
    if _PLAIN_EXPORT.search(source.name):
        return "plain"
    raise InputError(
        f"{source.label}: unknown kind of file; an export's name ends in .xml, .xml.bz2 or "
        ".xml.gz (Wikimedia offers each .7z as .bz2 too), that of an archive of exports in .tar, "
        ".tar.gz or .tar.bz2"
    )


def _check_address(source: Source) -> None:
    try:
        parts = urlsplit(source.location)
    except ValueError as error:
        shown = mask_addresses(source.location)
        raise InputError(f"{shown}: not an address ({error}); correct it") from None
    if parts.scheme not in _SCHEMES:
        raise InputError(
            f"{source.label}: can't fetch {parts.scheme}://; give a path or an address with "
            f"{', '.join(scheme + '://' for scheme in _SCHEMES)}"
        )
    if not parts.netloc or not source.name:
        raise InputError(
            f"{source.label}: the address names no file; it needs a host (or bucket) and a path"
        )
    if source.is_in_bucket:
        split_bucket(source.location)  # rejects one with a user's name
    if len(source.name.encode()) > _MAX_NAME_BYTES:
        raise InputError(
            f"{source.label}: its name is longer than {_MAX_NAME_BYTES} bytes, the limit for a "
            "file's name here; rename it there"
        )
    if "*" in source.location and not source.is_in_bucket:
        raise InputError(
            f"{source.label}: a web server can't be asked what matches a pattern; name each file"
        )


def _add_condition(source: Source, key: str, value: str) -> Source:
    if key == "size":
        if not value.isdecimal():
            raise InputError(f"{source.label}: size must be a number of bytes, got {value!r}")
        return replace(source, num_bytes=int(value))
    if key not in ALGORITHM_TO_HEX_DIGITS:
        raise InputError(
            f"{source.label}: unknown condition {key!r}; known are size, "
            f"{', '.join(ALGORITHM_TO_HEX_DIGITS)}"
        )
    digits = ALGORITHM_TO_HEX_DIGITS[key]
    if not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", value):
        raise InputError(
            f"{source.label}: {key} must be {digits} hexadecimal digits, got {value!r}"
        )
    return replace(source, algorithm_to_digest={**source.algorithm_to_digest, key: value.lower()})
