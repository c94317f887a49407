"""Only one training at a time keeps its checkpoints in a place."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from components.shared.errors import InputError
from components.shared.files.atomic import write_text
from components.shared.storage.transfers import open_bucket
from components.shared.training.resuming.lease import LOCK, Owner, claim

LEASE_SECONDS = 1.5
"""Of an owner on another machine."""
HOUR = 3600.0
"""Nobody waits for the end of it here."""


@pytest.fixture(params=["folder", "gs", "s3"])
def place(request, tmp_path, stores) -> str:
    return str(tmp_path / "run") if request.param == "folder" else f"{request.param}://data/run"


@pytest.fixture
def write_lock(place, tmp_path):
    """Write a place's lock as another process would."""

    def write(text: str) -> None:
        if "://" in place:
            (tmp_path / "lock").write_text(text, encoding="utf-8")
            open_bucket(place).upload(tmp_path / "lock", LOCK)
        else:
            write_text(Path(place, LOCK), text)  # whole at any moment, as an owner does

    return write


def make_other(**changes) -> Owner:
    """Return the owner that a process of another machine is."""
    other = replace(Owner.make("pretrain-128"), name="pretrain-128 on host-b, process 7")
    return replace(other, machine="another", **changes)


def files_of(place: str) -> list[str]:
    if "://" in place:
        return open_bucket(place).names()
    return sorted(path.name for path in Path(place).glob("*"))


def test_the_second_training_is_rejected_with_the_first_ones_name(place):
    """And does not touch the lock: the first goes on to hold it."""
    with claim(place, "pretrain-128", lease_seconds=30) as first:
        with (
            pytest.raises(InputError, match=f"{place}: pretrain-128 on .*, process .* keeps its"),
            claim(place, "pretrain-512"),
        ):
            pass

        first.expect_held()


def test_a_place_is_free_after_its_training(place):
    """Nothing is left in it."""
    with claim(place, "a", lease_seconds=1):
        assert files_of(place) == [LOCK]
    assert files_of(place) == []

    with claim(place, "b", lease_seconds=1) as second:
        second.expect_held()


def test_the_lock_of_a_process_that_was_killed_is_taken_at_once(tmp_path):
    """On the same machine: its process has ended, so nobody waits."""
    code = (
        "import os, sys; from components.shared.training.resuming.lease import claim\n"
        "with claim(sys.argv[1], 'a'): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60)
    assert files_of(str(tmp_path)) == [LOCK]
    started = time.monotonic()

    with claim(str(tmp_path), "b") as lease:
        lease.expect_held()

    assert time.monotonic() - started < 10


@pytest.mark.parametrize("text", [json.dumps(asdict(make_other())), "", '{"name": 5}'])
def test_a_lock_that_nobody_renews_is_taken(place, write_lock, text, capsys):
    """Of a pod that is gone, or of an owner that died while it wrote it."""
    write_lock(text)

    with claim(place, "b", lease_seconds=LEASE_SECONDS) as lease:
        lease.expect_held()

    who = "pretrain-128 on host-b, process 7" if "host-b" in text else "an unknown owner"
    assert f"{place}: waiting for {who}" in capsys.readouterr().err


def test_an_owner_elsewhere_that_renews_its_lock_keeps_it(place, write_lock):
    """Its end is waited for, as that of a pod that is being replaced."""
    is_over, owner = threading.Event(), make_other()
    write_lock(json.dumps(asdict(owner)))

    def renew() -> None:
        nonlocal owner
        while not is_over.is_set():
            owner = replace(owner, renewals=owner.renewals + 1)
            write_lock(json.dumps(asdict(owner)))
            time.sleep(0.05)

    thread = threading.Thread(target=renew)
    thread.start()
    started = time.monotonic()
    try:
        with (
            pytest.raises(InputError, match="pretrain-128 on host-b, process 7 keeps its"),
            claim(place, "b", lease_seconds=LEASE_SECONDS),
        ):
            pass
    finally:
        is_over.set()
        thread.join()

    assert time.monotonic() - started > LEASE_SECONDS / 2


def test_a_place_that_was_taken_over_is_not_written_to(place, write_lock):
    """By an owner that had not been renewed for too long; the new owner's lock stays."""
    with claim(place, "a", lease_seconds=30) as lease:
        write_lock(json.dumps(asdict(make_other())))
        with pytest.raises(InputError, match="host-b, process 7 has taken this folder over"):
            lease.expect_held()

    assert files_of(place) == [LOCK]


def test_a_lease_is_renewed(place):
    """So that it does not look dead from elsewhere."""

    def text() -> str:
        if "://" in place:
            return open_bucket(place).read_text(LOCK) or ""
        return Path(place, LOCK).read_text("utf-8")

    with claim(place, "a", lease_seconds=1):
        deadline = time.monotonic() + 30
        while json.loads(text())["renewals"] < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert json.loads(text())["renewals"] >= 2


def test_of_many_at_the_same_moment_one_gets_the_place(place):
    """Stores need to know no way to write an object only if there is none."""
    ready, outcomes = threading.Barrier(4), []
    done = threading.Event()

    def run() -> None:
        ready.wait()
        try:
            with claim(place, "a", lease_seconds=30):
                outcomes.append("held")
                done.wait(HOUR)
        except InputError:
            outcomes.append("rejected")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while len(outcomes) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    done.set()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["held", "rejected", "rejected", "rejected"]
