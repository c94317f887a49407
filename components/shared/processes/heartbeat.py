"""Whether the processes of a run move, and which of them does not.

Each process says at every step what it does: it works, or it waits for the others in a
collective. A thread of its own publishes that every second to the key-value server of
Horovod's rendezvous, which the launcher, horovodrun or rank 0 runs. Whoever watches tells
three cases apart: a process that does not run at all (stopped, its machine gone) publishes
nothing new; one that hangs works and does not move; one that waits is not to blame.
"""

import http.client
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

from components.shared.processes.rendezvous import Address

_PUBLISH_EVERY_SECONDS = 1.0
_SCOPE = "pulse"


@dataclass(frozen=True)
class Beat:
    """What a process last said of itself."""

    number: int
    """Counts up with every message."""
    step: int
    """Updates done."""
    is_watched: bool
    """In the training loop, after its first update, which compiles."""
    is_waiting: bool
    """In a collective, for the other processes."""
    idle_seconds: float
    """Since it last moved."""
    longest_seconds: float
    """The longest update, which the next may take as well."""


_FIELD_TO_TYPE = {field.name: field.type for field in fields(Beat)}


class Pulse:
    """The own process's state."""

    def __init__(self) -> None:
        self._number = self._step = 0
        self._is_watched = self._is_waiting = False
        self._longest_seconds = 0.0
        self._update_started = self._moved = time.monotonic()

    def move(self) -> None:
        """Say that the process goes on: at least once for each thing that may take long."""
        self._moved = time.monotonic()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Say that the process is in a collective."""
        self.move()
        self._is_waiting = True
        try:
            yield
        finally:
            self._is_waiting = False
            self.move()

    @contextmanager
    def in_loop(self) -> Iterator[None]:
        """Be watched from the first update to the end of the loop."""
        self._update_started = time.monotonic()
        try:
            yield
        finally:
            self._is_watched = False

    def update_done(self, step: int) -> None:
        """Say how far the process has come."""
        self.move()
        self._longest_seconds = max(self._longest_seconds, self._moved - self._update_started)
        self._update_started = self._moved
        self._step, self._is_watched = step, True

    def idle_seconds(self) -> float:
        """Since the process last moved."""
        return time.monotonic() - self._moved

    def beat(self) -> Beat:
        """Return the next message."""
        self._number += 1
        return Beat(
            self._number,
            self._step,
            self._is_watched,
            self._is_waiting,
            self.idle_seconds(),
            self._longest_seconds,
        )


pulse = Pulse()


class Watch:
    """Finds the process that keeps the others waiting."""

    def __init__(
        self,
        num_processes: int,
        timeout_seconds: float,
        read: Callable[[int], bytes | None],
    ) -> None:
        """Watch from outside or from one of the processes.

        Args:
            num_processes: of the run.
            timeout_seconds: how long a process may stand still; one that runs gets the time
                of the longest update on top.
            read: a rank's last message, None before its first.
        """
        self._num_processes, self._timeout_seconds = num_processes, timeout_seconds
        self._read = read
        self._rank_to_news: dict[int, tuple[int, float]] = {}
        self.num_malformed = 0

    def find_stuck(self, ranks: Iterable[int]) -> tuple[int, str] | None:
        """The guilty one among ranks and what is wrong with it; call it every few seconds."""
        beats = {rank: self._beat(rank) for rank in ranks}
        known = {rank: beat for rank, beat in beats.items() if beat is not None}
        now = time.monotonic()
        for rank, beat in known.items():
            number, since = self._rank_to_news.get(rank, (0, now))
            if beat.number != number:
                self._rank_to_news[rank] = (beat.number, now)
            elif now - since > self._timeout_seconds:
                seconds = f"{now - since:.0f} seconds"
                return rank, f"has not run for {seconds}, last heard of at step {beat.step}"
        return self._find_idle(known)

    def _find_idle(self, beats: Mapping[int, Beat]) -> tuple[int, str] | None:
        idle = {
            rank: beat
            for rank, beat in beats.items()
            if beat.is_watched and beat.idle_seconds > self._timeout_seconds + beat.longest_seconds
        }
        for rank, beat in idle.items():
            if not beat.is_waiting:
                seconds = f"{beat.idle_seconds:.0f} seconds"
                return rank, f"has not moved for {seconds}, at step {beat.step}"
        if len(idle) == self._num_processes:
            rank, beat = min(idle.items(), key=lambda item: item[1].step)
            return rank, (
                f"has waited for {beat.idle_seconds:.0f} seconds, as all others have, at step "
                f"{beat.step}: does the network between them work?"
            )
        return None

    def _beat(self, rank: int) -> Beat | None:
        """Return a rank's last heartbeat; a malformed one counts as none, and is reported once."""
        text = self._read(rank)
        if text is None:
            return None
        beat = parse_beat(text)
        if beat is None:
            self.num_malformed += 1
            if self.num_malformed == 1:
                print(
                    f"training: a heartbeat of rank {rank} is malformed and ignored: "
                    f"{text[:100]!r}; does another program write to the rendezvous server?",
                    file=sys.stderr,
                    flush=True,
                )
        return beat


def parse_beat(text: bytes) -> Beat | None:
    """Read a heartbeat; return None for anything else."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or values.keys() != _FIELD_TO_TYPE.keys():
        return None
    for name, kind in _FIELD_TO_TYPE.items():
        value = values[name]
        if kind is float and type(value) is int:
            continue
        if type(value) is not kind or (kind is float and not math.isfinite(value)):
            return None
    return Beat(**values)


def publish(rank: int) -> None:
    """Tell the rendezvous server every second how this process fares, from a thread."""
    address = Address.read(os.environ)  # none where MPI brought the processes together
    if address is None:
        return

    def repeat() -> None:
        while True:
            body = json.dumps(asdict(pulse.beat())).encode()
            _request(address, "PUT", rank, body)
            time.sleep(_PUBLISH_EVERY_SECONDS)

    threading.Thread(target=repeat, name="pulse", daemon=True).start()


def reader(address: Address) -> Callable[[int], bytes | None]:
    """What `Watch` takes to read the messages from a server."""
    return lambda rank: _request(address, "GET", rank, None)


def _request(address: Address, method: str, rank: int, body: bytes | None) -> bytes | None:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
    try:
        connection.request(method, address.path(_SCOPE, str(rank)), body=body)
        response = connection.getresponse()
        answer = response.read()
        return answer if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        # A message lost is followed by the next; a server that is gone ends the run elsewhere.
        return None
    finally:
        connection.close()
