"""One HTTP request for a file, or for the rest of it."""

import email.utils
import json
import re
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import requests
import urllib3

from components.ingest.download.remote import Remote, refusal
from components.ingest.download.size_limit import SizeLimit
from components.shared.errors import InputError, find_root_cause
from components.shared.files.atomic import room_expected, write_text
from components.shared.files.documents import load_json
from components.shared.files.text import mask_addresses
from components.shared.parallel import run_within
from components.shared.stage.progress import progress_in_bytes

_CHUNK_BYTES = 1 << 16
# Fewer within the timeout do not count as progress: 270 bytes a second.
MIN_BYTES = 1 << 14
# Until an answer begins, of which headers may come byte by byte too.
_MAX_TIMEOUTS = 10
_OK, _PARTIAL, _NOT_MODIFIED = 200, 206, 304
# Asking again may help: time-outs, too many requests, part of another version held, faults.
_STATUSES_TO_RETRY = {408, 416, 425, 429, 500, 502, 503, 504}
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class BrokenTransferError(Exception):
    """A download stopped for a reason that may pass."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Version:
    """Which version of a file a part belongs to, as far as its server tells."""

    url: str
    num_bytes: int | None
    etag: str
    last_modified: str

    @classmethod
    def of(cls, url: str, response: requests.Response) -> "Version":
        """The version of the whole file that a response carries."""
        headers = response.headers
        length = headers.get("Content-Length", "")
        return cls(
            url=url,
            num_bytes=int(length) if length.isdecimal() else None,
            etag=headers.get("ETag", ""),
            last_modified=headers.get("Last-Modified", ""),
        )

    @classmethod
    def read(cls, path: Path) -> "Version | None":
        """The version noted beside a part, if there is a readable note."""
        try:
            return load_json(path, cls)
        except InputError:
            return None

    def write(self, path: Path) -> None:
        """Note it beside a part."""
        write_text(path, json.dumps(asdict(self), indent=1), mode=0o600)

    @property
    def range_validator(self) -> str:
        """What If-Range may hold; a weak ETag promises no equal bytes (RFC 9110, 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def is_same(self, other: "Version") -> bool:
        """Whether both are surely one version; never without an ETag or a date."""
        return bool(self.etag or self.last_modified) and self == other


@dataclass(frozen=True)
class Part:
    """A file that may not be whole yet, and the note on its version."""

    path: Path

    @property
    def note(self) -> Path:
        """The file that notes its version."""
        return self.path.with_name(self.path.name + ".json")

    @property
    def num_bytes(self) -> int:
        """The number of its bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def discard(self) -> None:
        """Start over. Removed, not emptied: an earlier run's output may be a link to it."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def transfer(
    remote: Remote,
    part: Part,
    *,
    timeout_seconds: float,
    limit: SizeLimit,
    stop: threading.Event,
) -> None:
    """Ask once for what is missing of a file, and add it to the part.

    Args:
        remote: the file.
        part: what is here of it.
        timeout_seconds: how long the server may stay silent, or next to it.
        limit: of the whole file.
        stop: ends the transfer once it is set.

    Raises:
        BrokenTransferError: if less came than was announced, the server wants a pause, or
            `stop` was set.
        InputError: if the server refuses, the file is too large, or the disk has no room.
    """
    version = Version.read(part.note)
    if version is None or version.url != remote.identity or not part.path.exists():
        part.discard()
        version = None
    if version and remote.is_fixed and part.num_bytes == version.num_bytes:
        return
    headers = {"Accept-Encoding": "identity", **_conditions(version, part, remote)}
    ask = partial(
        remote.session.get, remote.url, headers=headers, stream=True, timeout=timeout_seconds
    )
    try:
        with run_within(_MAX_TIMEOUTS * timeout_seconds, ask) as response:
            _Transfer(remote, part, _Pace(timeout_seconds), limit, stop).receive(response, version)
    except TimeoutError:
        raise BrokenTransferError(
            f"the server's answer did not begin in {_MAX_TIMEOUTS} times timeout_seconds"
        ) from None
    except (urllib3.exceptions.HTTPError, requests.RequestException) as error:
        raise as_broken(error, remote.label) from None


def as_broken(error: Exception, label: str) -> Exception:
    """A network's error as one to retry, or to show where a retry is in vain."""
    reason = mask_addresses(find_root_cause(error))
    in_vain = (
        requests.exceptions.SSLError,
        requests.exceptions.InvalidURL,
        requests.exceptions.TooManyRedirects,
    )
    if isinstance(error, in_vain):
        return InputError(f"{label}: {reason}; check the address and its certificate")
    if isinstance(error, requests.ConnectionError):
        return BrokenTransferError(f"the server can't be reached or hung up ({reason})")
    return BrokenTransferError(f"the connection broke ({reason})")


def _conditions(version: Version | None, part: Part, remote: Remote) -> dict[str, str]:
    if version is None:
        return {}
    if part.num_bytes == version.num_bytes:
        if version.etag:
            return {"If-None-Match": version.etag}
        return {"If-Modified-Since": version.last_modified} if version.last_modified else {}
    if not part.num_bytes:
        return {}
    wanted = {"Range": f"bytes={part.num_bytes}-"}
    if version.range_validator:
        return {**wanted, "If-Range": version.range_validator}
    return wanted if remote.is_fixed else {}


class _Pace:
    """Whether bytes keep coming: a server may send a single one a minute for ever."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since, self._num_bytes = time.monotonic(), 0

    def count(self, num_bytes: int) -> None:
        """Count some bytes that came.

        Raises:
            BrokenTransferError: if too few came in the time.
        """
        self._num_bytes += num_bytes
        if time.monotonic() - self._since < self._seconds:
            return
        if self._num_bytes < MIN_BYTES:
            raise BrokenTransferError(
                f"only {self._num_bytes} bytes came in timeout_seconds ({self._seconds:g})"
            )
        self._since, self._num_bytes = time.monotonic(), 0


@dataclass(frozen=True)
class _Transfer:
    """A request's answer on its way into a part."""

    remote: Remote
    part: Part
    pace: _Pace
    limit: SizeLimit
    stop: threading.Event

    def receive(self, response: requests.Response, version: Version | None) -> None:
        """Add what comes to the part, if it belongs there."""
        status, part, remote = response.status_code, self.part, self.remote
        if status == _NOT_MODIFIED and version:
            return
        if status == _PARTIAL and version:
            _require_continuation(response, version, part)
        elif status == _OK:
            offered = Version.of(remote.identity, response)
            if version and part.num_bytes == version.num_bytes and version.is_same(offered):
                return  # a server that knows no conditions: the file is here, and whole
            part.discard()
            _require_room(offered.num_bytes, part, remote)
            self._require_size(offered.num_bytes)
            offered.write(part.note)
            version = offered
        elif status in _STATUSES_TO_RETRY:
            if status == 416:  # the server's file ends before our part does
                part.discard()
            raise BrokenTransferError(
                f"the server answers {status}", _retry_after(response.headers)
            )
        else:
            raise refusal(remote.label, status)
        assert version is not None
        self._append(response, version)

    def _append(self, response: requests.Response, version: Version) -> None:
        part, num_bytes = self.part, self.part.num_bytes
        with (
            room_expected(part.path),
            part.path.open("ab") as file,
            progress_in_bytes(
                f"Download {part.path.stem}", version.num_bytes, done=num_bytes
            ) as advance,
        ):
            # Raw: requests would decompress a .gz that a server declares as an encoding. As it
            # comes: to fill a chunk may take for ever.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
                num_bytes += len(chunk)
                self._require_size(num_bytes)
                file.write(chunk)
                advance(len(chunk))
                if self.stop.is_set():
                    raise BrokenTransferError("stopped")
                self.pace.count(len(chunk))
        if version.num_bytes is None:
            # Noted now, so that the next run knows this part to be whole.
            replace(version, num_bytes=part.num_bytes).write(part.note)
        elif part.num_bytes != version.num_bytes:
            raise BrokenTransferError(f"{part.num_bytes} of {version.num_bytes} bytes came")

    def _require_size(self, num_bytes: int | None) -> None:
        try:
            self.limit.expect(num_bytes or 0, self.remote.label)
        except InputError:
            self.part.discard()
            raise


def _require_continuation(response: requests.Response, version: Version, part: Part) -> None:
    """The part must go on where it ends, in the same version: some servers ignore If-Range."""
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    fits = (
        match
        and int(match[1]) == part.num_bytes
        and match[2] in {"*", str(version.num_bytes)}
        and response.headers.get("ETag", version.etag) == version.etag
        and response.headers.get("Last-Modified", version.last_modified) == version.last_modified
    )
    if not fits:
        part.discard()
        raise BrokenTransferError("the server went on with another part or version of the file")


def _require_room(num_bytes: int | None, part: Part, remote: Remote) -> None:
    free = shutil.disk_usage(part.path.parent).free
    if num_bytes is not None and num_bytes > free:
        raise InputError(
            f"{remote.label}: {num_bytes} bytes, but only {free} are free on the disk of "
            f"{part.path.parent}; make room or set download_directory to another disk"
        )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, given as a number or as a date."""
    text = headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
