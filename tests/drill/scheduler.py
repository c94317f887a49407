"""Does what Kubeflow does with a recurring run at its time, on this machine.

The recurring runs and the packages are those that the command line left on the fake KFP server;
the steps are real.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from pipelines.compiled_package import parse_version
from pipelines.local.environments import REPOSITORY
from tests.pipelines.fakes.fake_kfp import FakeKfp
from tests.servers import Webhook
from tests.waiting import wait_until


class Run:
    """A run under way."""

    def __init__(self, process: subprocess.Popen, log: Path, record: dict[str, Any]) -> None:
        self.process, self.log, self._record = process, log, record

    def finish(self) -> int:
        """Wait for its end, and note its state on the server; return the exit status."""
        status = self.process.wait()
        self._record["state"] = "FAILED" if status else "SUCCEEDED"
        return status

    def lose_pod(self, stage: str, checkpoints: Path) -> None:
        """Kill a stage once its training has left a checkpoint, without a word."""
        found = wait_until(
            lambda: next(checkpoints.rglob("step-*"), None) and _find_process(self.process, stage),
            self.process,
        )
        os.kill(found, signal.SIGKILL)

    def wait_for(self, path: Path) -> None:
        """Wait until the run has written a file."""
        wait_until(path.exists, self.process)


class Scheduler:
    """Starts recurring runs, and runs by hand of the same pipelines."""

    def __init__(self, kfp: FakeKfp, folder: Path, hook: Webhook) -> None:
        self._kfp, self._folder, self._hook = kfp, folder, hook
        self.runs = folder / "runs"
        """The pipeline root."""

    def start(self) -> Run:
        """Start the one recurring run with the newest version of its pipeline."""
        (recurring,) = self._kfp.objects["recurringruns"].values()
        pipeline = recurring["pipeline_version_reference"]["pipeline_id"]
        package = parse_version(self._kfp.versions[pipeline][-1]["pipeline_spec"])
        number = len(self._kfp.objects["runs"]) + 1
        work = self._folder / "scheduled" / str(number)
        work.mkdir(parents=True)
        package.write(work / "package.yaml")
        parameters = recurring["runtime_config"]["parameters"]
        (work / "parameters.json").write_text(json.dumps(parameters), encoding="utf-8")
        record = self._kfp.add("runs", {"display_name": f"run {number}", "state": "RUNNING"})
        command = [sys.executable, "-m", "tests.drill.execute"]
        command += [str(work / "package.yaml"), str(work / "parameters.json"), str(self.runs)]
        environment = {**os.environ, "NOTIFY_URL": self._hook.url, "NO_PROXY": "127.0.0.1"}
        log = work / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        return Run(process, log, record)

    def write_schedules(self, parameters: dict[str, Any]) -> Path:
        """Write the file that says what is scheduled."""
        path = self._folder / "schedules.yaml"
        monthly = {
            "name": "monthly",
            "pipeline": "bert-retraining",
            "cron": "0 0 3 2 * *",
            "experiment": "retraining",
            "parameters": parameters,
        }
        path.write_text(yaml.safe_dump({"schedules": [monthly]}), encoding="utf-8")
        return path


def _find_process(ancestor: subprocess.Popen, stage: str) -> int | None:
    """Return the stage's process among an ancestor's descendants; None if it is not running."""
    parents = {}
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            # The name of the program, in parentheses, may hold spaces.
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # just ended
            continue
        if b"--executor-input" in words and f"components.{stage}".encode() in words:
            found.append(int(path.name))
    for process in found:
        above = process
        while above := parents.get(above, 0):
            if above == ancestor.pid:
                return process
    return None
