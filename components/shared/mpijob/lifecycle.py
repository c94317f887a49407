"""One MPIJob from its creation to its end."""

import queue
import sys
import threading
import time
from functools import partial

from components.shared.errors import JobError, Preempted
from components.shared.mpijob import pod_status, watching
from components.shared.mpijob.failure import explain
from components.shared.mpijob.kubernetes_api import Cluster, Object
from components.shared.mpijob.logs import LogStream
from components.shared.mpijob.mpijob_manifest import LAUNCHER, QUEUE_LABEL, STEP_LABEL, WORKER
from components.shared.processes.termination import Termination

_LOOK_EVERY_SECONDS = 1.0
# After a pod's failure the job's own, with its reason, follows; a job's end, the log's.
_GRACE_SECONDS = 30.0
# The log of a launcher that still runs, as its peers were lost, has no end.
_RUNNING_LOG_SECONDS = 2.0
# A pod that is ended has half a minute to save the training's state; its peers end with it.
_LEAVE_SECONDS = 60.0
# SIGTERM leaves little time.
_LAST_CALL_SECONDS = 20.0
# The pods of an earlier job have half a minute to end; those of a silent node never do.
_CLEAR_SECONDS = 120.0


class JobRun:
    """Creates an MPIJob, follows it to its end, and deletes it whatever happens."""

    def __init__(
        self,
        cluster: Cluster,
        body: Object,
        network_policy: Object,
        *,
        pending_timeout_seconds: float,
    ) -> None:
        """Take a job and its policy as `manifest` makes them, under a name of their own."""
        self._cluster, self._body, self._network_policy = cluster, body, network_policy
        self._name = body["metadata"]["name"]
        self._step = body["metadata"]["labels"][STEP_LABEL]
        self._num_workers = body["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"]
        self._total_seconds = body["spec"]["runPolicy"]["activeDeadlineSeconds"]
        self._pending_timeout_seconds = pending_timeout_seconds
        self._termination = Termination()
        self._uid = ""
        self._ended = threading.Event()
        self._job: Object = {}
        self._pods: dict[str, Object] = {}
        self._log: LogStream | None = None
        self._log_of = ""
        self._said = ""
        self._forget_pods()

    def _forget_pods(self) -> None:
        """Begin anew: a queue has the job, whose pods end, and others come later."""
        self._ran: dict[str, pod_status.Pod] = {}
        """Pods that have run, as they were last seen."""
        self._failed_since: float | None = None
        self._lost_since: float | None = None
        self._has_begun, self._pending_seconds, self._furthest = False, 0.0, 0

    def run(self, termination: Termination) -> None:
        """Return once the job has succeeded.

        Raises:
            InputError, DivergedError: as the training raised it.
            InputError: where the cluster refuses the job.
            TrainingLostError: if a pod or a process was lost: a new job may do better.
            Preempted: if the pods that train were ended, or this process is asked to end.
            JobError: if a deadline passed, or someone else deleted the job.
        """
        self._termination = termination
        try:
            self._clear()
            self._create()
            self._follow()
        finally:
            self._ended.set()
            self._delete()

    def _clear(self) -> None:
        """Delete the jobs of the step's earlier tries, and wait until their pods are gone.

        Two jobs must not train at once. An earlier job isn't adopted: its pods may be those of
        other settings or about to fail, and its owner is the predecessor's pod, with which it
        would be deleted. That costs at most `checkpoint_every_steps` optimizer steps. Workers on
        a node that doesn't answer are not waited for once another worker of their job is gone:
        they can't train without it.
        """
        deadline = time.monotonic() + _CLEAR_SECONDS
        while jobs := self._cluster.read_jobs(self._step):
            for job in jobs:
                name = job["metadata"]["name"]
                self._say(f"an MPIJob {name} of an earlier try is there: deleting it")
                if "deletionTimestamp" not in job["metadata"]:
                    self._cluster.delete_job(name, job["metadata"]["uid"])
            if time.monotonic() > deadline:
                self._expect_silent_nodes(jobs)
                return
            self._termination.wait(_LOOK_EVERY_SECONDS)
            self._expect_to_go_on()

    def _expect_to_go_on(self) -> None:
        if self._termination.is_requested:
            raise Preempted("ended by SIGTERM; its MPIJob is deleted")

    def _expect_silent_nodes(self, jobs: list[Object]) -> None:
        for job in jobs:
            name = job["metadata"]["name"]
            pods = self._cluster.read_pods(name)
            num_left = sum(pod_status.role(pod) == WORKER for pod in pods.values())
            may_train = num_left == job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"]
            if may_train or not all(map(pod_status.is_leaving, pods.values())):
                raise JobError(
                    f"the MPIJob {name} of an earlier try is still there after "
                    f"{_CLEAR_SECONDS:.0f} s; find out what keeps it, and start the step again"
                )
            self._say(f"not waiting for {', '.join(pods)}: the nodes don't confirm their end")

    def _create(self) -> None:
        self._cluster.create_network_policy(self._network_policy)
        self._job = self._cluster.create_job(self._body)
        self._uid = self._job["metadata"]["uid"]
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
        seen, active_seconds = time.monotonic(), 0.0
        while True:
            self._take(news)
            self._expect_to_go_on()
            now = time.monotonic()
            passed_seconds, seen = now - seen, now
            if self._has("Succeeded"):
                self._finish_log()
                return
            if self._has("Failed"):
                self._fail()
            if self._is_queued():
                self._say_queued()
                self._drop_log()
                self._forget_pods()
                continue
            active_seconds += passed_seconds
            if active_seconds > self._total_seconds:
                raise JobError(
                    f"MPIJob {self._name} ran longer than {self._total_seconds} s "
                    "(job_timeout_seconds)"
                )
            self._expect_pods(now)
            self._stream_log()
            if not self._has_begun:
                self._wait_for_pods(passed_seconds)

    def _expect_pods(self, now: float) -> None:
        """Fail once a pod has failed or left, after the job's own end has had time to come."""
        self._failed_since = (self._failed_since or now) if self._any_failed() else None
        if self._failed_since is not None and (
            now - self._failed_since > _GRACE_SECONDS
            or self._launcher() is None  # the operator would wait for the worker for ever
        ):
            self._fail()
        is_lost = bool(pod_status.describe_lost(self._ran, self._pods))
        self._lost_since = (self._lost_since or now) if is_lost else None
        if self._lost_since is not None and now - self._lost_since > _LEAVE_SECONDS:
            self._fail()

    def _wait_for_pods(self, passed_seconds: float) -> None:
        """Say what the pods wait for; give up after `pending_timeout_seconds` without a change."""
        if self._all_run():
            self._has_begun = True
            self._say(f"all {self._num_workers} workers and the launcher have started")
            return
        self._pending_seconds += passed_seconds
        progress = sum(map(pod_status.progress, self._pods.values()))
        if progress > self._furthest or any(map(pod_status.is_fetching, self._pods.values())):
            self._furthest, self._pending_seconds = max(self._furthest, progress), 0.0
        self._say_waiting()
        if self._pending_seconds > self._pending_timeout_seconds:
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
            self._ran = pod_status.update_running(self._ran, objects)
            return
        job = objects.get(self._name)
        if job is None or job["metadata"]["uid"] != self._uid:
            raise JobError(f"MPIJob {self._name} was deleted, not by this step")
        self._job = job

    def _stream_log(self) -> None:
        """Pass the launcher's log on once it runs; a job that was queued again has a new one."""
        launcher = self._launcher()
        if launcher is None or pod_status.phase(launcher) == "Pending":
            return
        name = launcher["metadata"]["name"]
        if self._log is None and name != self._log_of:
            self._log = LogStream(partial(self._cluster.open_log, name, LAUNCHER))
            self._log_of = name

    def _drop_log(self) -> None:
        if self._log is not None:
            self._log.finish(0)
            self._log = None

    def _finish_log(self) -> None:
        """All of it; the pods as they are now, which the watch may be late to tell."""
        self._pods = self._cluster.read_pods(self._name)
        self._stream_log()
        if self._log is not None:
            launcher = self._launcher()
            runs = launcher is not None and pod_status.phase(launcher) == "Running"
            self._log.finish(_RUNNING_LOG_SECONDS if runs else _GRACE_SECONDS)

    def _fail(self) -> None:
        self._finish_log()
        raise explain(
            self._job,
            list(self._pods.values()),
            lost=pod_status.describe_lost(self._ran, self._pods),
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

    def _any_failed(self) -> bool:
        return any(
            pod_status.phase(pod) == "Failed" and not pod_status.is_leaving(pod)
            for pod in self._pods.values()
        )

    def _launcher(self) -> Object | None:
        launchers = [pod for pod in self._pods.values() if pod_status.role(pod) == LAUNCHER]
        return max(launchers, key=_creation, default=None)

    def _workers(self) -> list[Object]:
        return [pod for pod in self._pods.values() if pod_status.role(pod) == WORKER]

    def _all_run(self) -> bool:
        """Whether nothing waits for a place, an image or its inputs any more.

        Where the job was queued first, mpi-operator starts the launcher beside the workers.
        """
        pods = [*self._workers(), *filter(None, [self._launcher()])]
        have_started = all(pod_status.phase(pod) != "Pending" for pod in pods)
        return have_started and len(pods) == self._num_workers + 1

    def _is_queued(self) -> bool:
        """Whether a queue (Kueue) has not admitted the job yet, or has taken its place back."""
        return bool(self._job["spec"]["runPolicy"].get("suspend"))

    def _has(self, condition: str) -> bool:
        conditions = self._job.get("status", {}).get("conditions", ())
        return any(entry["type"] == condition and entry["status"] == "True" for entry in conditions)

    def _say_queued(self) -> None:
        queue_name = self._job["metadata"].get("labels", {}).get(QUEUE_LABEL, "")
        self._say(
            f"MPIJob {self._name} is queued{f' in {queue_name}' if queue_name else ''}: its pods "
            "come once it is admitted"
        )

    def _say_waiting(self) -> None:
        num_running = sum(pod_status.phase(pod) == "Running" for pod in self._workers())
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
                self._uid = job["metadata"]["uid"] if job else ""
            if self._uid:
                self._cluster.delete_job(self._name, self._uid, patience_seconds=_LAST_CALL_SECONDS)
            self._cluster.delete_network_policy(self._name, patience_seconds=_LAST_CALL_SECONDS)
        except Exception as error:
            # Not to hide why the job ended.
            print(
                f"could not delete MPIJob {self._name}: {error}\n"
                f"kubectl delete mpijob,networkpolicy -n {self._cluster.namespace} {self._name}",
                file=sys.stderr,
                flush=True,
            )


def _creation(pod: Object) -> str:
    return str(pod["metadata"].get("creationTimestamp", ""))
