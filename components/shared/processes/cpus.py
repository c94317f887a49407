"""How many CPUs this process may use, and a share of them for each of several."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

# The limit of a container, in control groups of version 2 and 1: a quota of microseconds in each
# period; "max" or -1 is none. A container sees its own group at the mount's root.
_CGROUPS = Path("/sys/fs/cgroup")
_LIMITS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))


def count_cpus(cgroups: Path = _CGROUPS) -> int:
    """Those of the machine that this process may run on, or the container's limit if less.

    A pod with a limit of 16 CPUs on a node of 96 sees 96; with as many workers it would be
    slowed down, and killed for the memory that they take.

    Args:
        cgroups: where control groups are mounted.
    """
    cpus = len(os.sched_getaffinity(0))
    for files in _LIMITS:
        quota = _read_quota([cgroups / file for file in files])
        if quota is not None:
            return max(1, min(cpus, math.ceil(quota)))
    return cpus


def take_share(place: int, num_processes: int, cgroups: Path = _CGROUPS) -> None:
    """Keep this thread, and those that it starts from now on, to a share of the CPUs.

    Processes that are busy on all of the same CPUs push one another from each to each.
    Nothing is done where CPUs are fewer than processes, nor where a container's limit is below
    the CPUs that it sees: other containers would take the very same ones.

    Args:
        place: of this process among those that share, from 0.
        num_processes: that share.
        cgroups: where control groups are mounted.
    """
    cpus = sorted(os.sched_getaffinity(0))
    if num_processes > len(cpus) or count_cpus(cgroups) < len(cpus):
        return
    first, end = (len(cpus) * edge // num_processes for edge in (place, place + 1))
    os.sched_setaffinity(0, cpus[first:end])


def _read_quota(files: Sequence[Path]) -> float | None:
    try:
        quota, period = " ".join(file.read_text("ascii") for file in files).split()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):
        return None
