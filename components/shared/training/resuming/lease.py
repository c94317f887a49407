"""Keeps a second training out of the place where one keeps its checkpoints.

The place's owner writes `training.lock` with its name in it, and renews it from a thread as long as
it lives. A training that finds the lock of another

- on this machine looks whether that process is alive: a dead owner's lock is taken at once,
- elsewhere watches the lock, as clocks of machines differ: one that isn't renewed for a minute is
  a dead owner's. Of an owner that lives, `claim` waits 40 seconds for the end, as Kubernetes gives
  a pod that is replaced 30 to end in; then it is an error.

An owner that was cut off from the place for more than a minute finds another's name in the lock,
and ends at its next checkpoint without writing it.
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from components.shared.errors import InputError
from components.shared.files.atomic import room_expected, write_text
from components.shared.files.documents import decode_json
from components.shared.files.formats import stamp
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import Bucket, open_bucket

LOCK = "training.lock"
_LEASE_SECONDS = 60.0
# Of the lease: how often it is renewed, how long the end of an owner is waited for, and how long
# two that take a lock at the same moment may be apart.
_RENEWAL, _PATIENCE, _SETTLING = 1 / 4, 2 / 3, 1 / 30


@dataclass(frozen=True)
class Owner:
    """Who holds a place."""

    name: str
    """For people: step, host and process."""
    token: str
    """No other owner's."""
    machine: str
    """The machine since it was started, and the process's container."""
    process: int
    process_start: str
    renewals: int = 0

    @classmethod
    def make(cls, label: str) -> "Owner":
        """This process."""
        process = os.getpid()
        return cls(
            name=f"{label} on {socket.gethostname()}, process {process}",
            token=uuid.uuid4().hex,
            machine=_this_machine(),
            process=process,
            process_start=_start_of(process),
        )

    def is_alive(self) -> bool | None:
        """Whether it lives; None for a process that can't be seen from here."""
        if not self.machine or self.machine != _this_machine():
            return None
        return bool(self.process_start) and _start_of(self.process) == self.process_start


class Lease:
    """This process's hold of a place."""

    def __init__(self, lock: "_Lock", owner: Owner, *, lease_seconds: float) -> None:
        self._lock, self._owner, self._seconds = lock, owner, lease_seconds
        self._is_over = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)

    def start(self) -> None:
        """Renew it from now on."""
        self._renewing.start()

    def expect_held(self) -> None:
        """Make sure, before something is written or removed, that nobody has taken the place.

        Raises:
            InputError: if somebody has.
        """
        found = _parse(self._lock.read())
        if found is not None and found.token != self._owner.token:
            raise InputError(
                f"{self._lock}: {found.name} has taken this folder over, since this training had "
                f"not reached it for {self._seconds:.0f} s; this training ends"
            )

    def end(self) -> None:
        """Leave the place to others."""
        self._is_over.set()
        self._renewing.join()
        with suppress(InputError, OSError):  # not to hide why the training ended
            found = _parse(self._lock.read())
            if found is not None and found.token == self._owner.token:
                self._lock.remove()

    def _renew(self) -> None:
        owner = self._owner
        while not self._is_over.wait(self._seconds * _RENEWAL):
            with suppress(InputError, OSError):  # unreachable for a while: the next will do
                self.expect_held()
                owner = replace(owner, renewals=owner.renewals + 1)
                self._lock.write(_compose(owner))


@contextmanager
def claim(place: str, label: str, *, lease_seconds: float = _LEASE_SECONDS) -> Iterator[Lease]:
    """Hold a place of checkpoints for the block.

    Args:
        place: a folder, gs:// or s3://.
        label: names the training to whoever finds the place held.
        lease_seconds: how long a lock lasts that isn't renewed.

    Raises:
        InputError: if another training holds it.
    """
    settle_seconds = lease_seconds * _SETTLING
    lock = _open(place, settle_seconds)
    owner = Owner.make(label)
    _take(lock, owner, lease_seconds)
    lease = Lease(lock, owner, lease_seconds=lease_seconds)
    lease.start()
    try:
        yield lease
    finally:
        lease.end()


def _take(lock: "_Lock", owner: Owner, lease_seconds: float) -> None:
    started = changed = time.monotonic()
    last: str | None = None
    while True:
        text = lock.read()
        if text is None:
            if lock.create(_compose(owner)):
                return
            continue
        other, now = _parse(text), time.monotonic()
        is_alive = other.is_alive() if other else None
        if text != last:
            if is_alive or (is_alive is None and now - started > lease_seconds * _PATIENCE):
                name = other.name if other else "another training"
                raise InputError(
                    f"{lock}: {name} keeps its checkpoints here; wait for its end, or give this "
                    "training another checkpoint_directory or output"
                )
            if last is None and is_alive is None:
                name = other.name if other else "an unknown owner"
                print(f"{lock}: waiting for {name}", file=sys.stderr, flush=True)
            last, changed = text, now
        if is_alive is False or now - changed > lease_seconds:
            if lock.replace(_compose(owner)):
                return
            last = None
        elif is_alive is None:
            time.sleep(lease_seconds * _SETTLING)


class _Lock(Protocol):
    def read(self) -> str | None:
        """Return its text, or None if nobody holds it."""
        ...

    def write(self, text: str) -> None:
        """Renew it."""
        ...

    def create(self, text: str) -> bool:
        """Write it where there was none; whether no other did so at the same moment."""
        ...

    def replace(self, text: str) -> bool:
        """Write it in a dead owner's place; whether no other did so at the same moment."""
        ...

    def remove(self) -> None: ...


class _FileLock:
    def __init__(self, folder: Path, settle_seconds: float) -> None:
        self._path, self._settle_seconds = folder / LOCK, settle_seconds

    def __str__(self) -> str:
        return str(self._path.parent)

    def read(self) -> str | None:
        try:
            return self._path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def write(self, text: str) -> None:
        write_text(self._path, text)

    def create(self, text: str) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = self._path.open("x", encoding="utf-8")
        except FileExistsError:
            return False
        try:
            with room_expected(self._path), file:
                file.write(text)
        except InputError:
            self.remove()
            raise
        return True

    def replace(self, text: str) -> bool:
        self.write(text)
        time.sleep(self._settle_seconds)
        return self.read() == text

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # there is something else in it
            self._path.parent.rmdir()


class _BucketLock:
    """The stores share no way to write an object only where none exists yet.

    So whoever writes one looks a little later whose it is: the last one's.
    """

    def __init__(self, place: str, bucket: Bucket, settle_seconds: float) -> None:
        self._place, self._bucket, self._settle_seconds = place, bucket, settle_seconds

    def __str__(self) -> str:
        return self._place

    def read(self) -> str | None:
        return self._bucket.read_text(LOCK)

    def write(self, text: str) -> None:
        with tempfile.TemporaryDirectory(prefix="lock-") as scratch:
            file = Path(scratch, LOCK)
            file.write_text(text, encoding="utf-8")
            self._bucket.upload(file, LOCK)

    def create(self, text: str) -> bool:
        return self.replace(text)

    def replace(self, text: str) -> bool:
        self.write(text)
        time.sleep(self._settle_seconds)
        return self.read() == text

    def remove(self) -> None:
        self._bucket.delete(LOCK)


def _open(place: str, settle_seconds: float) -> _Lock:
    if place.startswith(SCHEMES):
        return _BucketLock(place, open_bucket(place), settle_seconds)
    return _FileLock(Path(place), settle_seconds)


def _compose(owner: Owner) -> str:
    return json.dumps({**stamp(LOCK), **asdict(owner)}, indent=2) + "\n"


def _parse(text: str | None) -> Owner | None:
    """Read a lock; None for anything else, such as one that is being written."""
    try:
        return decode_json(text, Owner, source=LOCK) if text else None
    except InputError:
        return None


def _this_machine() -> str:
    """Tell where process ids mean the same: the machine since its start, and the container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _start_of(process: int) -> str:
    """When a process began, in the kernel's ticks; "" if it has ended."""
    try:
        # The second field, the program's name in parentheses, may hold spaces.
        fields = Path(f"/proc/{process}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return ""
    state, *rest = fields.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]
