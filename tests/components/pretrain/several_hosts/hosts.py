"""Machines in one: network namespaces with names, addresses and files of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.waiting import wait_until

REPOSITORY = Path(__file__).parents[4]
INTERFACE, SSH_PORT = "bert0", 2222
NAMES = ("bert-a", "bert-b")
_TOOLS = ("ip", "sshd", "ssh", "ssh-keygen", "unshare", "setpriv")
SSH_CONFIG = REPOSITORY / "images" / "tensorflow" / "ssh_config"
# What a container under Pod Security "restricted" has: no capability, and no way to get one.
USER = 10001
_AS_USER = (
    *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
    *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
)


def why_not() -> str:
    """What this machine lacks to make them; "" if nothing."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [tool for tool in _TOOLS if shutil.which(tool, path=path) is None]
    if missing:
        return f"two hosts on one machine need {', '.join(missing)}: iproute2, openssh-server"
    probe = ["ip", "netns", "add", "bert-probe"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        return "two hosts on one machine need root and network namespaces"
    _run("ip", "netns", "del", "bert-probe")
    return ""


class Hosts:
    """`with Hosts(folder) as hosts`: the second runs an SSH server, the first `horovodrun`.

    With `users`, the hosts are pods under Pod Security "restricted": all runs as the images' user,
    without a capability, and SSH is set up by the images' file alone.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str] = NAMES,
        *,
        users: Sequence[Path] = (),
        readable: Sequence[Path] = (),
    ) -> None:
        """Take what is under test.

        Args:
            folder: for the hosts' own files.
            names: the hosts'.
            users: the home folder of each host's user; none: root's processes.
            readable: what the user reads and writes, behind whatever folders of root's.
        """
        self._folder, self._names, self._users, self._readable = folder, names, users, readable
        self._spaces = [f"{name}-{os.getpid()}" for name in names]
        self._switch = f"bert-switch-{os.getpid()}"
        self._addresses = [f"10.77.0.{number + 1}" for number in range(len(names))]

    def __enter__(self) -> "Hosts":
        _run("ip", "netns", "add", self._switch)
        _run("ip", "-n", self._switch, "link", "add", "switch", "type", "bridge")
        _run("ip", "-n", self._switch, "link", "set", "switch", "up")
        pairs = zip(self._names, self._addresses, strict=True)
        table = "".join(f"{address} {name}\n" for name, address in pairs)
        for space in self._spaces:
            _run("ip", "netns", "add", space)
            etc = Path("/etc/netns", space)  # ip netns exec lays these over /etc
            etc.mkdir(parents=True)
            (etc / "hosts").write_text(f"127.0.0.1 localhost\n{table}", encoding="utf-8")
        for space, home in zip(self._spaces, self._users, strict=False):
            self._set_up_user(Path("/etc/netns", space), home)
        for number, (space, address) in enumerate(zip(self._spaces, self._addresses, strict=True)):
            port = f"port{number}"
            ends = f"{INTERFACE} netns {space} type veth peer name {port} netns {self._switch}"
            _run("ip", "link", "add", *ends.split())
            _run("ip", "-n", self._switch, "link", "set", port, "master", "switch", "up")
            _run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", INTERFACE)
            for device in (INTERFACE, "lo"):
                _run("ip", "-n", space, "link", "set", device, "up")
        if self._users:
            return self
        for name in ("key", "host_key"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name))
        # Known hosts are the user's; these are gone in a minute.
        ssh = self._folder / "bin" / "ssh"
        ssh.parent.mkdir()
        options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n', encoding="utf-8")
        ssh.chmod(0o755)
        return self

    def __exit__(self, *_: object) -> None:
        for space in self._spaces:
            for pid in self._pids(space):
                os.kill(pid, 9)
            _run("ip", "netns", "del", space)
            shutil.rmtree(Path("/etc/netns", space))
        _run("ip", "netns", "del", self._switch)

    def start_ssh(self, before: str = "true") -> subprocess.Popen:
        """Start the second host's SSH server, after a shell command that only it sees."""
        Path("/run/sshd").mkdir(exist_ok=True)
        options = {
            "AuthorizedKeysFile": self._folder / "key.pub",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PermitRootLogin": "prohibit-password",
        }
        server = [shutil.which("sshd", path="/usr/sbin"), "-D", "-e", "-f", "/dev/null"]
        server += ["-p", str(SSH_PORT), "-h", str(self._folder / "host_key")]
        server += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        process = subprocess.Popen(self._on(1, server, before), stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        first_line = process.stderr.readline()
        assert "Server listening" in first_line, first_line + process.stderr.read()
        return process

    def start_horovodrun(self, command: list[str]) -> subprocess.Popen:
        """Start a command with one process on each host."""
        hosts = ",".join(f"{name}:1" for name in NAMES)
        run = ["horovodrun", "-np", "2", "-H", hosts, "--network-interfaces", INTERFACE]
        run += ["-p", str(SSH_PORT), "-i", str(self._folder / "key")]
        return self.start(0, [*run, *command])

    def start_mpirun(self, command: list[str]) -> subprocess.Popen:
        """Start a command with one process on each host, by Open MPI."""
        hosts = ",".join(f"{name}:1" for name in NAMES)
        run = ["mpirun", "--host", hosts, "--allow-run-as-root", "--tag-output"]
        run += ["--mca", "plm_rsh_args", f"-p {SSH_PORT} -i {self._folder / 'key'}"]
        return self.start(0, [*run, *command])

    def start(self, host: int, command: list[str], **environment: str) -> subprocess.Popen:
        """Start a command on a host; ssh asks nothing there."""
        tools = Path(sys.executable).parent
        path = f"{self._folder / 'bin'}:{tools}:{os.environ['PATH']}"
        return subprocess.Popen(
            self._on(host, command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PATH": path} | environment,
        )

    def find(self, host: int, word: str) -> int:
        """The process on a host that has a word among its arguments, once there is one."""
        return wait_until(lambda: self._find_now(host, word))

    def _find_now(self, host: int, word: str) -> int | None:
        for pid in self._pids(self._spaces[host]):
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if "python" in arguments[0] and word in arguments:
                return pid
        return None

    def _set_up_user(self, etc: Path, home: Path) -> None:
        """The images' user, and SSH as images/tensorflow/Dockerfile configures it."""
        users = Path("/etc/passwd").read_text("utf-8")
        line = f"bert:x:{USER}:{USER}::{home}:/bin/sh\n"
        (etc / "passwd").write_text(users + line, encoding="utf-8")
        (etc / "ssh" / "ssh_config.d").mkdir(parents=True)
        shutil.copy(SSH_CONFIG, etc / "ssh" / "ssh_config.d" / "kubeflow-bert.conf")
        include = "Include /etc/ssh/ssh_config.d/*.conf\n"
        (etc / "ssh" / "ssh_config").write_text(include, encoding="utf-8")

    def _on(self, host: int, command: list, before: str = "true") -> list[str]:
        script = f"hostname {self._names[host]} && {before}"
        words = list(map(str, command))
        if self._users:
            script += "".join(f" && {line}" for line in _open_up(self._readable, self._folder))
            words = [*_AS_USER, *words]
        enter = ["ip", "netns", "exec", self._spaces[host], "unshare", "--uts", "--mount"]
        return [*enter, "sh", "-c", f'{script} && exec "$@"', "-", *words]

    def _pids(self, space: str) -> list[int]:
        done = subprocess.run(["ip", "netns", "pids", space], capture_output=True, check=True)
        return [int(pid) for pid in done.stdout.split()]


def _open_up(paths: Sequence[Path], folder: Path) -> list[str]:
    """Commands that let others than root reach paths within root's folders, on this host only."""
    closed_to_paths: dict[Path, list[Path]] = {}
    for path in paths:
        closed = [one for one in path.parents if not one.stat().st_mode & 0o001]
        if closed:
            closed_to_paths.setdefault(closed[-1], []).append(path)
    commands = []
    for number, (closed_one, inside) in enumerate(closed_to_paths.items()):
        stand_in = folder / f"open-{number}"
        for path in inside:
            target = stand_in / path.relative_to(closed_one)
            commands += [f"mkdir -p {target}", f"mount --bind {path} {target}"]
        commands.append(f"mount --rbind {stand_in} {closed_one}")
    return commands


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
