"""What else the machine did while a benchmark ran: figures of a busy machine say little."""

import os
import resource
import time
from pathlib import Path


class OtherWork:
    """Counts from its making on the CPU time that this benchmark's processes did not take."""

    def __init__(self) -> None:
        self._started, self._others = time.perf_counter(), _read_others_seconds()

    def cores(self) -> float:
        """How many cores other processes, and the machine's host, kept busy on average.

        Those processes of the benchmark that have not ended yet count as others.
        """
        seconds = time.perf_counter() - self._started
        return max(0.0, (_read_others_seconds() - self._others) / seconds)


def _read_others_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return _read_busy_seconds() - sum(one.ru_utime + one.ru_stime for one in used)


def _read_busy_seconds() -> float:
    """Of all cores, since the machine started (proc(5), /proc/stat)."""
    first = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, first.split()[1:])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
