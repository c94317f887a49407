"""Commands timed from outside, with the peak memory of each of their processes."""

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
    peak_bytes: dict[str, int]
    """Of each process: its role and id, and its peak of resident memory."""

    @property
    def max_peak_bytes(self) -> int:
        """Of the process that used the most."""
        return max(self.peak_bytes.values())


def run_and_watch(command: Sequence[object], *, cwd: Path | None = None) -> Usage:
    """Run a command to its end, looking at it and all its descendants.

    Raises:
        RuntimeError: if it fails, with its last words.
    """
    peaks: dict[str, int] = {}
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*map(str, command)], stdout=output, stderr=subprocess.STDOUT, cwd=cwd
        )
        try:
            while process.poll() is None:
                for name, peak in _read_peaks(process.pid):
                    peaks[name] = max(peak, peaks.get(name, 0))
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
    return Usage(seconds, peaks)


def _read_peaks(root: int) -> list[tuple[str, int]]:
    """Name and peak bytes of a process and its descendants; those just ended are left out."""
    peaks, queue = [], [root]
    while queue:
        pid = queue.pop()
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            for task in Path(f"/proc/{pid}/task").iterdir():
                queue += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                role = "worker" if any(b"sdk_worker" in word for word in words) else "driver"
                peaks.append((f"{role} {pid}", int(line.split()[1]) * 1024))
    return peaks
