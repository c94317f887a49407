"""CPUs are counted as a container may use them."""

import os
import threading
from itertools import chain
from pathlib import Path

import pytest

from components.shared.processes.cpus import count_cpus, take_share

CPUS = len(os.sched_getaffinity(0))


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "9900000 100000\n"}, CPUS),
        ({"cpu.max": "max 100000\n"}, CPUS),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, CPUS),
        ({"cpu.max": "unreadable\n"}, CPUS),
        ({}, CPUS),
    ],
)
def test_a_containers_limit_counts_if_it_is_less_than_the_machine(tmp_path, files, cpus):
    """In both versions of control groups, rounded up; none is no limit."""
    assert count_cpus(write(tmp_path, files)) == cpus


def share(place: int, num_processes: int, cgroups: Path) -> list[int]:
    """The CPUs that are left to a thread, and to one that it starts."""
    seen = []

    def look() -> None:
        take_share(place, num_processes, cgroups)
        again = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
        again.start()
        again.join()
        seen.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    inherited, own = seen
    assert inherited == own
    return sorted(own)


@pytest.mark.skipif(CPUS < 2, reason="there is nothing to share")
def test_processes_share_the_cpus(tmp_path):
    """Each CPU is one process's own; the last takes what does not divide."""
    shares = [share(place, CPUS, tmp_path) for place in range(CPUS)]
    uneven = [share(place, CPUS - 1, tmp_path) for place in range(CPUS - 1)]

    assert [len(one) for one in shares] == [1] * CPUS
    for several in (shares, uneven):
        assert sorted(chain.from_iterable(several)) == sorted(os.sched_getaffinity(0))


def test_cpus_that_others_may_use_too_are_not_shared_out(tmp_path):
    """With a container's limit below what it sees, or more processes than CPUs."""
    limited = write(tmp_path / "limited", {"cpu.max": f"{CPUS - 1}00000 100000"})
    free = tmp_path / "free"

    assert len(share(1, 2, limited)) == CPUS
    assert len(share(CPUS, CPUS + 1, free)) == CPUS
