"""CPUs are counted as a container may use them."""

import os
from pathlib import Path

import pytest

from components.shared.cpus import count_cpus

CPUS = len(os.sched_getaffinity(0))


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
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
