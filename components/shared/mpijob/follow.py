"""One MPIJob from its creation to its end."""

import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from components.shared.errors import JobError, Preempted
from components.shared.mpijob import pods as pod_status
from components.shared.mpijob import watching
from components.shared.mpijob.cluster import Cluster, Object
from components.shared.mpijob.failure import explain
from components.shared.mpijob.logs import LogStream
from components.shared.mpijob.manifest import LAUNCHER, STARTED_BY, WORKER

_LOOK_EVERY_SECONDS = 1.0
# After a pod's failure the job's own, with its reason, follows; a job's end, the log's.
_GRACE_SECONDS = 30.0
# SIGTERM leaves little time.
_LAST_CALL_SECONDS = 20.0
# An old job's pods have half a minute to end, and their nodes may be gone.
_REPLACE_SECONDS = 600.0


class JobRun:
    """Creates an MPIJob, follows it to its end, and deletes it whatever happens."""

    def __init__(self, cluster: Cluster, body: Object, *, pending_timeout_seconds: float) -> None:
        """Take a job that `make_mpijob` made."""
        self._cluster, self._body = cluster, body
        self._name = body["metadata"]["name"]
        self._num_workers = body["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"]
        self._total_seconds = body["spec"]["runPolicy"]["activeDeadlineSeconds"]
        self._pending_timeout_seconds = pending_timeout_seconds
        self._uid = ""
        self._ended = threading.Event()
        self._job: Object = {}
        self._pods: dict[str, Object] = {}
        self._log: LogStream | None = None
        self._said = ""

    def run(self) -> None:
        """Return once the job has succeeded.

        Raises:
            InputError: as the training raised it, or where the cluster refuses the job.
            Preempted: after a SIGTERM to this process, or to those that train.
            JobError: if it failed otherwise, or a deadline passed.
        """
        with _sigterm_raises():
            try:
                self._create()
                self._follow()
            finally:
                self._ended.set()
                self._delete()

    def _create(self) -> None:
        """Create it; one of its name that is there already goes first.

        Such a job was left by the step's predecessor, which was killed. It is replaced and
        not adopted: its pods may be those of other settings or about to fail, and its owner
        is the predecessor's pod, with which it would be deleted. What it costs is at most
        `checkpoint_every_steps` updates.
        """
        deadline = time.monotonic() + _REPLACE_SECONDS
        while (job := self._cluster.create_job(self._body)) is None:
            job = self._cluster.read_job(self._name)
            if job is None:
                continue  # just gone
            if self._is_ours(job):
                break  # the answer to its creation was lost
            self._say(f"an MPIJob {self._name} is there already, of an earlier try: replacing it")
            if time.monotonic() > deadline:
                raise JobError(
                    f"an earlier MPIJob {self._name} has not gone in {_REPLACE_SECONDS:.0f} s; "
                    "see what holds its pods, and start the step again"
                )
            self._cluster.delete_job(self._name, job["metadata"]["uid"])
            time.sleep(_LOOK_EVERY_SECONDS)
        self._uid = job["metadata"]["uid"]
        self._say(f"created MPIJob {self._cluster.namespace}/{self._name}")

    def _follow(self) -> None:
        news: queue.Queue[watching.News] = queue.Queue()
        for kind, function in (
            ("mpijobs", self._cluster.list_jobs),
            ("pods", self._cluster.list_pods),
        ):
            watching.follow(
                kind,
                partial(function, self._name),
                self._cluster.namespace,
                news=news,
                ended=self._ended,
            )
        started = moved = time.monotonic()
        failed_since, furthest, has_begun = None, 0, False
        while True:
            self._take(news)
            now = time.monotonic()
            if self._has("Succeeded"):
                self._finish_log()
                return
            if self._has("Failed"):
                self._fail()
            if any(pod_status.phase(pod) == "Failed" for pod in self._pods.values()):
                failed_since = failed_since or now
                if now - failed_since > _GRACE_SECONDS or self._worker_failed_before_launch():
                    self._fail()
            if now - started > self._total_seconds:
                raise JobError(f"MPIJob {self._name} ran longer than {self._total_seconds} s")
            has_begun = has_begun or self._stream_log()
            progress = sum(map(pod_status.progress, self._pods.values()))
            if progress > furthest or any(map(pod_status.is_fetching, self._pods.values())):
                furthest, moved = max(furthest, progress), now
            if not has_begun:
                self._say_waiting()
                if now - moved > self._pending_timeout_seconds:
                    self._give_up()

    def _take(self, news: "queue.Queue[watching.News]") -> None:
        """Learn what has changed; return after a second at the latest."""
        try:
            kind, objects = news.get(timeout=_LOOK_EVERY_SECONDS)
        except queue.Empty:
            return
        if isinstance(objects, Exception):  # the watch has ended: a right is missing, say
            raise objects
        if kind == "pods":
            self._pods = objects
            return
        job = objects.get(self._name)
        if job is None or job["metadata"]["uid"] != self._uid:
            raise JobError(f"MPIJob {self._name} was deleted, not by this step")
        self._job = job

    def _stream_log(self) -> bool:
        """Start once the launcher runs; whether it has."""
        launcher = self._launcher()
        if self._log is None and launcher and pod_status.phase(launcher) != "Pending":
            name = launcher["metadata"]["name"]
            self._log = LogStream(partial(self._cluster.open_log, name, LAUNCHER))
        return self._log is not None

    def _finish_log(self) -> None:
        """All of it; the pods as they are now, which the watch may be late to tell."""
        self._pods = self._cluster.read_pods(self._name)
        if self._stream_log() and self._log is not None:
            self._log.finish(_GRACE_SECONDS)

    def _fail(self) -> None:
        self._finish_log()
        raise explain(
            self._job,
            list(self._pods.values()),
            lines=list(self._log.lines) if self._log else [],
            warnings=[] if self._log else self._cluster.read_warnings(self._name),
        )

    def _give_up(self) -> None:
        reasons = pod_status.describe_waiting(self._pods.values())
        if not self._pods:
            reasons = [
                "the mpi-operator has made no pods: does it run?",
                *self._cluster.read_warnings(self._name),
            ]
        raise JobError(
            f"the pods of MPIJob {self._name} did not start within "
            f"{self._pending_timeout_seconds:.0f} s (pending_timeout_seconds):\n"
            + "\n".join(f"  {reason}" for reason in reasons or ["the launcher was not started"])
        )

    def _worker_failed_before_launch(self) -> bool:
        """The operator goes on waiting for such a worker."""
        return self._launcher() is None and any(
            pod_status.phase(pod) == "Failed" for pod in self._pods.values()
        )

    def _launcher(self) -> Object | None:
        launchers = [pod for pod in self._pods.values() if pod_status.role(pod) == LAUNCHER]
        return launchers[0] if launchers else None

    def _has(self, condition: str) -> bool:
        conditions = self._job.get("status", {}).get("conditions", ())
        return any(entry["type"] == condition and entry["status"] == "True" for entry in conditions)

    def _say_waiting(self) -> None:
        workers = [pod for pod in self._pods.values() if pod_status.role(pod) == WORKER]
        num_running = sum(pod_status.phase(pod) == "Running" for pod in workers)
        lines = [f"{num_running} of {self._num_workers} workers run"]
        self._say("; ".join([*lines, *pod_status.describe_waiting(self._pods.values())]))

    def _say(self, text: str) -> None:
        if text != self._said:
            print(text, file=sys.stderr, flush=True)
            self._said = text

    def _delete(self) -> None:
        try:
            if not self._uid:  # perhaps created, and its answer lost or not waited for
                job = self._cluster.read_job(self._name)
                if job is None or not self._is_ours(job):
                    return
                self._uid = job["metadata"]["uid"]
            self._cluster.delete_job(self._name, self._uid, patience_seconds=_LAST_CALL_SECONDS)
        except Exception as error:
            # Not to hide why the job ended.
            print(
                f"could not delete MPIJob {self._name}: {error}\n"
                f"kubectl delete mpijob -n {self._cluster.namespace} {self._name}",
                file=sys.stderr,
                flush=True,
            )

    def _is_ours(self, job: Object) -> bool:
        own = self._body["metadata"]["annotations"][STARTED_BY]
        return bool(job["metadata"].get("annotations", {}).get(STARTED_BY) == own)


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Turn the first SIGTERM into an exception in the main thread, which waits and can end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Preempted("ended by SIGTERM; its MPIJob is deleted")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
