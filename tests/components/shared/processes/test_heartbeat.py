"""Which process keeps the others waiting."""

import json
import re
import time
from dataclasses import asdict

import pytest

from components.shared.processes.heartbeat import Beat, Pulse, Watch


class Board:
    """The last message of each rank; a rank's number grows each time it is read."""

    def __init__(self) -> None:
        self.beats: dict[int, Beat] = {}
        self.silent: set[int] = set()
        self._number = 0

    def read(self, rank: int) -> bytes | None:
        if rank not in self.beats:
            return None
        self._number += rank not in self.silent
        number = 1 if rank in self.silent else self._number
        return json.dumps(asdict(self.beats[rank]) | {"number": number}).encode()


def beat(*, idle: float, waiting: bool, watched: bool = True, longest: float = 0.0) -> Beat:
    return Beat(0, 7, watched, waiting, idle, longest)


@pytest.fixture
def board() -> Board:
    return Board()


def test_the_one_that_works_and_does_not_move_is_guilty(board):
    """The other waits for it, and longer."""
    board.beats = {0: beat(idle=12, waiting=True), 1: beat(idle=11, waiting=False)}

    assert Watch(2, 10, board.read).find_stuck([0, 1]) == (
        1,
        "has not moved for 11 seconds, at step 7",
    )


def test_the_longest_update_comes_on_top_of_the_limit(board):
    """11 seconds are not too long where an update took 5."""
    board.beats = {0: beat(idle=11, waiting=False, longest=5), 1: beat(idle=11, waiting=True)}

    assert Watch(2, 10, board.read).find_stuck([0, 1]) is None


def test_before_the_first_update_nobody_is_guilty(board):
    """It compiles."""
    board.beats = {0: beat(idle=99, waiting=False, watched=False), 1: beat(idle=99, waiting=True)}

    assert Watch(2, 10, board.read).find_stuck([0, 1]) is None


def test_one_that_moves_may_keep_the_others_waiting(board):
    """It writes a checkpoint, say."""
    board.beats = {0: beat(idle=1, waiting=False), 1: beat(idle=99, waiting=True)}

    assert Watch(2, 10, board.read).find_stuck([0, 1]) is None


def test_all_waiting_for_one_another_is_told(board):
    """A network that is cut leaves all of them in a collective."""
    board.beats = {0: beat(idle=11, waiting=True), 1: beat(idle=12, waiting=True)}

    stuck = Watch(2, 10, board.read).find_stuck([0, 1])

    assert stuck is not None
    assert "as all others have" in stuck[1]


def test_one_that_says_nothing_new_does_not_run(board):
    """Also in a collective, also before the first update."""
    board.beats = {rank: beat(idle=0, waiting=True, watched=False) for rank in (0, 1)}
    board.silent = {1}
    watch = Watch(2, 0.1, board.read)
    watch.find_stuck([0, 1])
    time.sleep(0.2)

    rank, reason = watch.find_stuck([0, 1])
    assert rank == 1
    assert re.fullmatch(r"has not run for \d+ seconds, last heard of at step 7", reason)


def test_a_process_tells_waiting_from_working():
    """In a collective, out of it, and with its number and step."""
    pulse = Pulse()
    with pulse.in_loop():
        before = pulse.beat()
        pulse.update_done(3)
        with pulse.waiting():
            inside = pulse.beat()
        after = pulse.beat()

    assert [b.is_waiting for b in (before, inside, after)] == [False, True, False]
    assert [b.is_watched for b in (before, inside, pulse.beat())] == [False, True, False]
    assert (inside.number, inside.step) == (2, 3)


GOOD = {"step": 7, "is_watched": True, "is_waiting": False, "idle_seconds": 99.0}


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1, 2]",
        json.dumps({**GOOD, "number": 1, "longest_seconds": 0.0, "more": 1}).encode(),
        json.dumps({**GOOD, "number": "1", "longest_seconds": 0.0}).encode(),
        json.dumps({**GOOD, "number": True, "longest_seconds": 0.0}).encode(),
        json.dumps({**GOOD, "number": 1, "longest_seconds": float("nan")}).encode(),
        json.dumps({**GOOD, "number": 1, "longest_seconds": None}).encode(),
    ],
)
def test_a_malformed_heartbeat_is_ignored_counted_and_reported_once(board, text, capsys):
    """Whatever is written to the server, it doesn't end a training."""
    board.beats = {0: beat(idle=1, waiting=False)}
    watch = Watch(2, 10, lambda rank: text if rank == 1 else board.read(rank))

    assert watch.find_stuck([0, 1]) is None
    assert watch.find_stuck([0, 1]) is None
    assert watch.num_malformed == 2
    assert capsys.readouterr().err.count("heartbeat of rank 1 is malformed") == 1
