"""Dumps by name, found on Wikimedia's site or a mirror of it.

Two kinds of export are there, each in a folder for its day:
- `<wiki>/<YYYYMMDD>/dumpstatus.json` lists each job's files with size and SHA-1, and whether
  the job is done;
- `other/mediawiki_content_current/<wiki>/<YYYY-MM-DD>/xml/bzip2/` holds the newer exports with
  SHA256SUMS, and _SUCCESS once all is there.
"""

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, TypeVar

import requests

from components.ingest.download.checksums import parse_checksums
from components.ingest.download.small_files import read_small_file
from components.ingest.download.sources import Source
from components.ingest.dump.names import DumpName
from components.shared.errors import InputError
from components.shared.files.documents import decode_json
from components.shared.files.text import mask_addresses

Answer = TypeVar("Answer")

# Multistream first: its files can be cut and read in parallel.
_JOBS = ("articlesmultistreamdump", "articlesdump")
_ARTICLES = re.compile(r"-pages-articles(-multistream)?\d*\.xml(-p\d+p\d+)?\.bz2$")
_FIRST_PAGE = re.compile(r"-p(\d+)p\d+")
_CONTENT_FOLDER = "other/mediawiki_content_current"
_HTTP_ERRORS = 400
# Wikimedia keeps some ten days; each costs a request or two.
_MAX_DATES = 100
_WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True)
class _File:
    size: int | None = None
    sha1: str = ""


@dataclass(frozen=True)
class _Job:
    status: str = ""
    files: dict[str, _File] = field(default_factory=dict)


@dataclass(frozen=True)
class DumpStatus:
    """A dumpstatus.json."""

    jobs: dict[str, _Job] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: bytes) -> "DumpStatus":
        """Parse its JSON.

        Raises:
            InputError: if it is broken.
        """
        return decode_json(content, cls, source="dumpstatus.json")


class DumpSite:
    """Wikimedia's dump site, or a mirror."""

    def __init__(self, base: str, *, timeout_seconds: float, max_retries: int) -> None:
        self._base, self._timeout_seconds = base.rstrip("/"), timeout_seconds
        self._label = mask_addresses(self._base)
        self._max_retries = max_retries
        self._session = requests.Session()

    def find(self, name: DumpName) -> list[Source]:
        """The files of a finished dump, in the order of their pages, with checksums.

        Raises:
            InputError: if the site has no such dump or it is not finished; the message names
                the newest that is.
        """
        read = self._read_content if name.is_content else self._read_status
        if name.date != "latest":
            files = read(name.wiki, name.date)
            if files:
                return files
            state = "is not there" if files is None else "is not finished"
            newest = self._find_newest(name, read)
            remedy = (
                f"the newest finished one is {name.with_date(newest[0])}"
                if newest
                else (f"{self._label} has no finished dump of {name.wiki}")
            )
            raise InputError(f"{name.with_date(name.date)}: this dump {state}; {remedy}")
        return self._require_newest(name)[1]

    def date(self, name: DumpName) -> DumpName:
        """The newest finished dump in place of the latest; one with a date stays.

        Raises:
            InputError: if there is none.
        """
        if name.date != "latest":
            return name
        return replace(name, date=self._require_newest(name)[0])

    def _require_newest(self, name: DumpName) -> tuple[str, list[Source]]:
        read = self._read_content if name.is_content else self._read_status
        newest = self._find_newest(name, read)
        if newest is None:
            raise InputError(
                f"{name.with_date('latest')}: {self._label} has no finished dump of {name.wiki}; "
                "its name is a wiki's database name, such as enwiki, simplewiki, dewiki"
            )
        return newest

    def _find_newest(
        self, name: DumpName, read: Callable[[str, str], list[Source] | None]
    ) -> tuple[str, list[Source]] | None:
        folder = f"{_CONTENT_FOLDER}/{name.wiki}" if name.is_content else name.wiki
        page = self._get(f"{folder}/", _decode)
        links = re.findall(r'href="[^"]*?(\d{4}-?\d{2}-?\d{2})/"', page or "")
        dates = sorted({link.replace("-", "") for link in links}, reverse=True)
        for date in dates[:_MAX_DATES]:
            if files := read(name.wiki, date):
                return date, files
        return None

    def _read_status(self, wiki: str, date: str) -> list[Source] | None:
        """The articles' files by dumpstatus.json: none if not finished, None without it."""
        folder = f"{wiki}/{date}"
        status = self._get(f"{folder}/dumpstatus.json", DumpStatus.parse)
        if status is None:
            return None
        jobs = status.jobs
        done = [jobs[job] for job in _JOBS if job in jobs and jobs[job].status == "done"]
        files = done[0].files if done else {}
        return _in_page_order(
            Source(
                f"{self._base}/{folder}/{name}",
                num_bytes=entry.size,
                algorithm_to_digest={"sha1": _require_sha1(entry.sha1, f"{folder}/{name}")},
            )
            for name, entry in files.items()
            if _ARTICLES.search(name) and "/" not in name
        )

    def _read_content(self, wiki: str, date: str) -> list[Source] | None:
        """The files of a content export: none if not finished, None if not there."""
        day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
        folder = f"{_CONTENT_FOLDER}/{wiki}/{day}/xml/bzip2"
        listed = self._get(f"{folder}/SHA256SUMS", _decode)
        if listed is None:
            return None
        if self._get(f"{folder}/_SUCCESS", _decode) is None:
            return []
        checksums = parse_checksums(listed, f"{self._label}/{folder}/SHA256SUMS")
        return _in_page_order(
            Source(f"{self._base}/{folder}/{name}", algorithm_to_digest=digests)
            for name, digests in checksums.items()
            if name.endswith(".xml.bz2")
        )

    def _get(self, path: str, read: Callable[[bytes], Answer]) -> Answer | None:
        """Return a small file's content; None if it does not exist."""
        url, label = f"{self._base}/{path}", f"{self._label}/{path}"
        for attempt in range(self._max_retries + 1):
            try:
                file = read_small_file(
                    self._session, url, label=path, timeout_seconds=self._timeout_seconds
                )
                if file.status == 404:
                    return None
                if file.status >= _HTTP_ERRORS:
                    raise InputError(f"the server answers {file.status}")
                return read(file.content)
            except (requests.RequestException, InputError) as error:
                reason: Exception = error
            if attempt < self._max_retries:
                seconds = _WAITS_SECONDS[min(attempt, len(_WAITS_SECONDS) - 1)]
                message = mask_addresses(f"{label}: {reason}; trying again in {seconds:.0f} s")
                print(message, file=sys.stderr, flush=True)
                time.sleep(seconds)
        raise InputError(
            f"{label}: {mask_addresses(str(reason))}; check dump_site and the network, or name the "
            "dump's files"
        )


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _require_sha1(sha1: str, label: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}", sha1):
        raise InputError(f"{label}: dumpstatus.json gives no SHA-1 for it; name the file itself")
    return sha1


def _in_page_order(sources: Any) -> list[Source]:
    def first_page(source: Source) -> tuple[int, str]:
        name = PurePosixPath(source.location).name
        match = _FIRST_PAGE.search(name)
        return int(match[1]) if match else 0, name

    return sorted(sources, key=first_page)
