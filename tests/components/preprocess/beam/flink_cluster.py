"""A Flink session cluster on this machine, with Beam's Python workers beside it.

Job manager, task manager and worker pool are processes of their own, as on a cluster of
machines. Flink's classes are those in the job server's jar, and the part of its REST service
that takes jars comes from Maven.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

_ROOT = Path(__file__).parents[4]
_WEB = "org.apache.flink:flink-runtime-web:1.19.0"
_MAINS = {
    "StandaloneSessionClusterEntrypoint": "org.apache.flink.runtime.entrypoint",
    "TaskManagerRunner": "org.apache.flink.runtime.taskexecutor",
}
_LONGEST_START_SECONDS = 120


class Cluster(NamedTuple):
    """Where it listens."""

    master: str
    worker_pool: str


@contextmanager
def run_cluster(job_server_jar: str, folder: Path) -> Iterator[Cluster]:
    """Start one with two slots, and end it with the block.

    Raises:
        RuntimeError: if it does not come up.
    """
    copied = ["mvn", "--quiet", "--batch-mode", "dependency:copy", f"-Dartifact={_WEB}"]
    subprocess.run([*copied, f"-DoutputDirectory={folder}"], check=True, capture_output=True)
    web = next(folder.glob("flink-runtime-web*.jar"))
    rpc, rest, pool = (_find_port() for _ in range(3))
    (folder / "flink-conf.yaml").write_text(_make_settings(folder, rpc, rest), encoding="utf-8")
    commands = [
        ["java", "-cp", f"{job_server_jar}:{web}", f"{package}.{main}", "--configDir", str(folder)]
        for main, package in _MAINS.items()
    ]
    workers = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main"]
    commands.append([*workers, f"--service_port={pool}"])
    # The pool starts workers by the name `python`.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(_ROOT), "NO_PROXY": "*"}
    with ExitStack() as stack:
        for number, command in enumerate(commands):
            log = stack.enter_context((folder / f"{number}.log").open("wb"))
            stack.callback(_end, subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        _wait_for_slots(rest, folder)
        yield Cluster(f"127.0.0.1:{rest}", f"127.0.0.1:{pool}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for_slots(port: int, folder: Path) -> None:
    end = time.monotonic() + _LONGEST_START_SECONDS
    while time.monotonic() < end:
        time.sleep(0.5)
        try:
            overview = requests.get(f"http://127.0.0.1:{port}/v1/overview", timeout=5).json()
        except (OSError, ValueError):
            continue
        if overview.get("slots-available"):
            return
    said = "\n".join(log.read_text()[-2000:] for log in sorted(folder.glob("*.log")))
    raise RuntimeError(f"the cluster does not come up:\n{said}")


def _find_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def _make_settings(folder: Path, rpc: int, rest: int) -> str:
    """Little memory, each part of it named: without Flink's scripts, none is worked out.

    Network buffers are for as many exchanges as the graph has.
    """
    return f"""
jobmanager.rpc.address: 127.0.0.1
jobmanager.bind-host: 127.0.0.1
jobmanager.rpc.port: {rpc}
jobmanager.memory.process.size: 1024m
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: {rest}
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 2
taskmanager.cpu.cores: 2
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.task.heap.size: 384m
taskmanager.memory.task.off-heap.size: 0m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.memory.managed.size: 256m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
web.tmpdir: {folder}/web
io.tmp.dirs: {folder}/io
"""
