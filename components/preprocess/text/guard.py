"""Documents read by a process that can be killed: whatever one holds, it costs itself only.

The reading takes time linear in a document's length, as far as is known. This is for what is
not known: the process ends by itself once a document takes too much time, and can't get more
memory than its limit. A batch is read in one go, within the limits of one document: setting them
and answering takes longer than reading a short one. Only where that fails is each document of
the batch read alone.
"""

import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.preprocess.batches import Batch
from components.preprocess.input_limits import DEFAULT_LIMITS
from components.preprocess.outcomes import FAILED, TOO_MUCH_MEMORY, TOO_SLOW
from components.preprocess.text.articles import Article, read_document
from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.text_files.records import Record
from components.shared.errors import WorkerLostError

_START = "from components.preprocess.text.guard import serve; serve()"


@dataclass(frozen=True)
class Limits:
    """What a document may take: far more than any sound one does, so that slow machines agree."""

    cpu_seconds: float = 30.0
    """The longest page of Wikipedia, 2 MiB, takes a fifth of a second."""
    memory_bytes: int = 768 << 20
    """Of address space, besides what the process has before it reads."""
    document_bytes: int = DEFAULT_LIMITS.document_bytes
    """What both are meant for. Where longer documents are allowed, they get more in proportion."""


class GuardedReader:
    """Reads documents in a process of its own."""

    def __init__(self, splitter: SentenceSplitter | None = None, limits: Limits | None = None):
        """The process starts with the first document. Without a splitter, paragraphs stay whole."""
        self._splitter, self._limits = splitter, limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, batch: Batch) -> list[Article | str]:
        """What `read_document` gives for each item, or which limit it has met.

        Raises:
            WorkerLostError: if something else killed the process.
        """
        sizes = map(_count_bytes, batch.items)
        if len(batch.items) > 1 and sum(sizes) <= self._limits.document_bytes:
            answer = self._ask(batch.items, batch.source)
            if not isinstance(answer, str):
                return answer
        return [self._read_alone(item, batch.source) for item in batch.items]

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
        self._process = None

    def _read_alone(self, item: Any, source: Any) -> Article | str:
        answer = self._ask([item], source)
        return answer if isinstance(answer, str) else answer[0]

    def _ask(self, items: Sequence[Any], source: Any) -> list[Article | str] | str:
        """Return the articles of some items, or the limit that they met together."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump((source, items), process.stdin, protocol=5)
            process.stdin.flush()
            answer: list[Article | str] | str = pickle.load(process.stdout)  # noqa: S301 - our own
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            self._process = None
            process.stdout.close()
            status = process.wait()
            if status == -signal.SIGKILL:  # no limit of ours: the item may be as good as any
                raise WorkerLostError(
                    "the process that reads documents was killed, most likely as memory ran out; "
                    "give more memory, or lower num_workers"
                ) from None
            return TOO_SLOW if status == -signal.SIGPROF else FAILED
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(
            [sys.executable, "-c", _START],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        pickle.dump((self._splitter, self._limits), process.stdin, protocol=5)
        return process


def _count_bytes(item: bytes | str | Record) -> int:
    return len(item.data if isinstance(item, Record) else item)


def _measure_address_space() -> int:
    """Bytes; libraries reserve more of it where there are more cores."""
    num_pages = int(Path("/proc/self/statm").read_text().split()[0])
    return num_pages * resource.getpagesize()


def _limit_address_space(num_bytes: int | None) -> None:
    """Let this process have so much of it; None for as much as whoever started it lets it have."""
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    if num_bytes is None or (most != resource.RLIM_INFINITY and num_bytes > most):
        num_bytes = most
    resource.setrlimit(resource.RLIMIT_AS, (num_bytes, most))


def serve() -> None:
    """Read the documents that come in and write what they are, until no more come."""
    splitter, limits = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process above
    # Nothing else may write among the results.
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # The default of this signal ends the process, also within C code.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    least_bytes = _measure_address_space()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            source, items = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process above
        except EOFError:
            return
        scale = max(1, sum(map(_count_bytes, items)) / limits.document_bytes)
        _limit_address_space(least_bytes + int(scale * limits.memory_bytes))
        signal.setitimer(signal.ITIMER_PROF, scale * limits.cpu_seconds)
        try:
            answer: Any = [read_document(item, source, splitter) for item in items]
        except MemoryError:
            answer = TOO_MUCH_MEMORY
        signal.setitimer(signal.ITIMER_PROF, 0)
        _limit_address_space(None)
        pickle.dump(answer, results, protocol=5)
        results.flush()
