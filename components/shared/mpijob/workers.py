"""What a worker does: fetches the inputs, waits for SSH connections, and ends in good order."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.shared.mpijob.mpijob_manifest import SSH_PORT
from components.shared.storage.artifact_paths import address_of, fetch

_SSHD = "/usr/sbin/sshd"
# Kubernetes gives a pod 30 seconds to end.
_SAVE_SECONDS = 25.0
_TRAINING = b"components."


def fetch_inputs(paths: Sequence[Path]) -> None:
    """Copy them from their store to this node.

    Raises:
        InputError: if there is nothing, or the store refuses.
    """
    for path in paths:
        started = time.monotonic()
        fetch(path)
        seconds = time.monotonic() - started
        print(f"fetched {address_of(path)} in {seconds:.0f} s", file=sys.stderr, flush=True)


def serve() -> None:
    """Become sshd, as the user of the image; mpi-operator's keys are in the user's home.

    The job's key is the hosts' key as well, by which images/tensorflow/ssh_config knows them:
    who has it has the job's secret.
    """
    key = Path.home() / ".ssh" / "id_rsa"
    options = {
        "Port": SSH_PORT,
        "HostKey": key,
        "AuthorizedKeysFile": key.with_name("authorized_keys"),
        "PidFile": "none",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "AllowTcpForwarding": "no",
        # The mounted files are root's, under a mode that sshd would not have.
        "StrictModes": "no",
        # The launcher opens a connection to each node at once.
        "MaxStartups": "1000",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    os.execv(_SSHD, [_SSHD, "-D", "-e", "-f", "/dev/null", *words])  # noqa: S606


def stop() -> None:
    """Ask the training's processes to save and end, and wait for them."""
    for pid in _find_training():
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _SAVE_SECONDS
    while time.monotonic() < deadline and any(_find_training()):
        time.sleep(0.2)


def _find_training() -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # just gone
        is_training = words[1:2] == [b"-m"] and words[2].startswith(_TRAINING)
        if is_training and not words[2].endswith(b".mpijob"):
            yield int(folder.name)
