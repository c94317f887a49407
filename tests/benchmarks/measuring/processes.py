"""Commands timed from outside, with the peak memory of their processes."""

import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS_BETWEEN_LOOKS = 0.05


@dataclass(frozen=True)
class Usage:
    """What a command used."""

    seconds: float
    cpu_seconds: float
    """Of all its processes."""
    peak_bytes: int
    """Of resident memory: the most that the peaks of the processes alive at one time add up to,
    so no less than what they took at once."""


def run_and_watch(command: Sequence[object], *, cwd: Path | None = None) -> Usage:
    """Run a command to its end, looking at it and all its descendants.

    Raises:
        RuntimeError: if it fails, with its last words.
    """
    peak = 0
    cpu_before = read_cpu_seconds()
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*map(str, command)], stdout=output, stderr=subprocess.STDOUT, cwd=cwd
        )
        try:
            while process.poll() is None:
                peak = max(peak, sum(_read_peaks(process.pid)))
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        except BaseException:
            process.kill()
            raise
        seconds = time.perf_counter() - started
        if process.returncode:
            output.seek(0)
            raise RuntimeError(
                f"{command} ended with {process.returncode}:\n{output.read()[-3000:]}"
            )
    return Usage(seconds, read_cpu_seconds() - cpu_before, peak)


def read_cpu_seconds() -> float:
    """What the children that have ended took, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read_peaks(root: int) -> list[int]:
    """Peak bytes of a process and its descendants; those just ended are left out."""
    peaks, queue = [], [root]
    while queue:
        pid = queue.pop()
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            for task in Path(f"/proc/{pid}/task").iterdir():
                queue += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                peaks.append(int(line.split()[1]) * 1024)
    return peaks
