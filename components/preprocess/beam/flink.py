"""Flink: Beam's options for it, and what can be known to be missing before it starts."""

import shutil
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from apache_beam.options.pipeline_options import FlinkRunnerOptions, PipelineOptions
from apache_beam.runners.portability.flink_runner import FlinkJarJobServer
from apache_beam.utils.subprocess_server import JavaJarServer

from components.preprocess.config import PreprocessConfig
from components.shared.errors import InputError
from components.shared.processes.cpus import count_cpus

_LOCAL = "[local]"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_TIMEOUT_SECONDS = 10
# Beam's own choice: what it publishes a job server for.
_VERSIONS = FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS


def is_elsewhere(config: PreprocessConfig) -> bool:
    """Whether workers run where this machine's folders are not."""
    hosts = [_find_host(one) for one in (config.flink_master, config.flink_worker_pool) if one]
    return bool(config.worker_image) or any(host not in (_LOCAL, *_THIS_MACHINE) for host in hosts)


def flink_flags(config: PreprocessConfig) -> list[str]:
    """Beam's options for a run on Flink."""
    parallelism = config.num_workers
    if not parallelism and config.flink_master == _LOCAL:
        parallelism = count_cpus()
    flags = [f"--flink_master={config.flink_master}"]
    if config.flink_master != _LOCAL:
        # Through the cluster's REST service, as one jar: that takes no Java here.
        flags.append("--flink_submit_uber_jar")
    if config.flink_version in _VERSIONS:
        flags.append(f"--flink_version={config.flink_version}")
    if parallelism:
        flags.append(f"--parallelism={parallelism}")
    if config.flink_job_server_jar:
        flags.append(f"--flink_job_server_jar={config.flink_job_server_jar}")
    if config.flink_worker_pool:
        return [
            *flags,
            "--environment_type=EXTERNAL",
            f"--environment_config={config.flink_worker_pool}",
        ]
    if config.worker_image:
        return [*flags, "--environment_type=DOCKER", f"--environment_config={config.worker_image}"]
    return [*flags, "--environment_type=LOOPBACK"]


def check_flink(config: PreprocessConfig, options: PipelineOptions) -> None:
    """Refuse to start where something is missing that a run would only stumble over.

    Raises:
        InputError: without Java, the job server, the cluster, or workers that it can reach.
    """
    if config.flink_version not in _VERSIONS:
        raise InputError(
            f"flink_version must be one of {', '.join(_VERSIONS)}, got {config.flink_version!r}"
        )
    if config.flink_master != _LOCAL:
        _require_cluster(config.flink_master)
    if is_elsewhere(config) and not (config.flink_worker_pool or config.worker_image):
        raise InputError(
            f"flink_master {config.flink_master}: its task managers need Python workers; set "
            "flink_worker_pool to the pool beside each of them, or worker_image where they have "
            "Docker"
        )
    if config.flink_master == _LOCAL and not shutil.which("java"):
        raise InputError(
            "no java on this machine, and Beam's job server for Flink is a Java program; install "
            "Java 17, as by `apt-get install openjdk-17-jre-headless`"
        )
    _require_jar(config, options)


def _require_cluster(master: str) -> None:
    address = master if "://" in master else f"http://{master}"
    try:
        with urllib.request.urlopen(f"{address}/config", timeout=_TIMEOUT_SECONDS):  # noqa: S310
            pass
    except (OSError, ValueError) as error:
        raise InputError(
            f"flink_master {master}: no Flink cluster answers there ({error}); give the host:port "
            "of its REST service, 8081 as a rule, or [local]"
        ) from None


def _require_jar(config: PreprocessConfig, options: PipelineOptions) -> None:
    jar = config.flink_job_server_jar
    if jar and "://" not in jar and not Path(jar).is_file():
        raise InputError(f"flink_job_server_jar: {jar}: no such file; `make flink-jar` makes one")
    address = FlinkJarJobServer(options).path_to_jar()
    try:
        JavaJarServer.local_jar(address)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{address}: the job server can't be fetched ({error}); fetch it where the network "
            "allows, or make one by `make flink-jar`, and set flink_job_server_jar to its path"
        ) from None


def _find_host(address: str) -> str | None:
    if address == _LOCAL:
        return _LOCAL
    return urlsplit(address if "://" in address else f"//{address}").hostname
