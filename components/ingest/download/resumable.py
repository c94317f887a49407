"""Downloads that go on where they broke, and appear only when whole and checked."""

import contextlib
import fcntl
import hashlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

import requests

from components.ingest.config import SizeConfig
from components.ingest.download.file_checks import DamagedFileError
from components.ingest.download.remote import Remote, open_remote
from components.ingest.download.size_limit import SizeLimit
from components.ingest.download.sources import Source
from components.ingest.download.transfer import (
    MIN_BYTES,
    BrokenTransferError,
    Part,
    as_broken,
    transfer,
)
from components.shared.errors import InputError

Found = TypeVar("Found")
# Takes a file and the checksums that it should have.
Accept: TypeAlias = Callable[[Path, Mapping[str, str]], Found]

_LONGEST_WAIT_SECONDS = 60.0
_LONGEST_WAIT_ON_REQUEST_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Downloads:
    """A folder of downloads, one subfolder an address."""

    folder: Path
    timeout_seconds: float
    max_retries: int
    limits: SizeConfig = field(default_factory=SizeConfig)
    first_wait_seconds: float = 1.0
    """Before the second attempt; each further wait is twice as long."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the run has failed elsewhere: no download continues then."""

    def fetch(
        self, source: Source, accept: Accept[Found], *, limit: SizeLimit | None = None
    ) -> tuple[Path, Found]:
        """Download a file, or make sure that the one kept from before is current.

        Args:
            source: what to download.
            accept: looks into the whole file, given the checksums by which a store knows it,
                and raises InputError if it won't do; such a file is removed. A
                DamagedFileError has it downloaded once more.
            limit: a larger file is rejected before its end; None for that of any file.

        Returns:
            The file, and what `accept` returned.

        Raises:
            InputError: if it can't be had or is not accepted.
        """
        limit = limit or self.limits.file_limit
        digest = hashlib.sha256(source.location.encode()).hexdigest()
        folder = self.folder / digest[:16]
        folder.mkdir(parents=True, exist_ok=True)
        final = folder / source.name
        part = Part(folder / f"{source.name}.part")
        with _only_user(folder):
            if final.exists():  # not known to be current until the server says so
                os.replace(final, part.path)
            try:
                found = self._complete_and_accept(source, part, accept, limit)
            except DamagedFileError as error:
                print(f"{error}; downloading it once more", file=sys.stderr, flush=True)
                found = self._complete_and_accept(source, part, accept, limit)
            os.replace(part.path, final)
        return final, found

    def _complete_and_accept(
        self, source: Source, part: Part, accept: Accept[Found], limit: SizeLimit
    ) -> Found:
        remote = self._complete(source, part, limit)
        try:
            return accept(part.path, remote.algorithm_to_digest)
        except InputError as error:
            part.discard()
            message = str(error).replace(str(part.path), source.label)
            raise type(error)(message) from None

    def _complete(self, source: Source, part: Part, limit: SizeLimit) -> Remote:
        """Try until the part is whole; only attempts in a row that gain nothing count."""
        failures, furthest = 0, part.num_bytes
        while True:
            try:
                return self._transfer(source, part, limit)
            except BrokenTransferError as broken:
                failures = 1 if part.num_bytes >= furthest + MIN_BYTES else failures + 1
                furthest = max(furthest, part.num_bytes)
                if failures > self.max_retries or self.stop.is_set():
                    raise InputError(self._give_up(source, part, broken, failures)) from None
                self._pause(source, broken, failures)

    def _transfer(self, source: Source, part: Part, limit: SizeLimit) -> Remote:
        remote = self._open(source)
        transfer(
            remote,
            part,
            timeout_seconds=self.timeout_seconds,
            limit=limit,
            stop=self.stop,
        )
        return remote

    def _open(self, source: Source) -> Remote:
        try:
            return open_remote(source, timeout_seconds=self.timeout_seconds)
        except requests.RequestException as error:
            raise as_broken(error, source.label) from None

    def _pause(self, source: Source, broken: BrokenTransferError, failures: int) -> None:
        seconds = min(self.first_wait_seconds * 2 ** (failures - 1), _LONGEST_WAIT_SECONDS)
        if broken.wait_seconds is not None:
            seconds = min(broken.wait_seconds, _LONGEST_WAIT_ON_REQUEST_SECONDS)
        message = f"{source.label}: {broken}; trying again in {seconds:.0f} s"
        print(message, file=sys.stderr, flush=True)
        self.stop.wait(seconds)

    def _give_up(
        self, source: Source, part: Part, broken: BrokenTransferError, failures: int
    ) -> str:
        return (
            f"{source.label}: {broken}, gave up at attempt {failures} without gain, with "
            f"{part.num_bytes} bytes here; check the address and the network, then run again "
            "(with download_directory set, a download resumes where it broke)"
        )


@contextlib.contextmanager
def _only_user(folder: Path) -> Iterator[None]:
    """Two runs that write one part would mix their bytes."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"{folder}: another run is downloading here; wait for it, or set another "
            "download_directory"
        ) from None
    except OSError:  # a file system without locks, as some network ones are
        pass
    try:
        yield
    finally:
        os.close(descriptor)
