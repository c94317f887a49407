"""Make the environment of a project as its lock says; download uv for it where it is missing.

    python3 sync.py images/ingest --group test

All environments are made here: those of a local run, of the images, and of the benchmarks.
The lock gives versions and SHA-256s, and the files come from the package index that is
configured for uv or pip; `uv sync` alone would download from the URLs in the lock. What a source
package is built with comes by SHA-256 as well: it is the group `build` of the project's lock, or
of a local package's own. Runs on the same Pythons as get_uv.py; the environment gets one that the
project supports.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import get_uv

_REPOSITORY = Path(__file__).resolve().parent
_EXPORT = ("export", "--no-header", "--no-annotate", "--no-emit-project", "--no-emit-local")
_DESCRIBE_PYTHON = "import sys; print(*sys.version_info[:2], sys._base_executable)"


class Python(NamedTuple):
    """An interpreter outside any virtual environment."""

    executable: str
    version: tuple[int, int]


def main() -> None:
    """Sync the project that the command line names, or end with an error message."""
    try:
        sync(_parse_arguments())
    except get_uv.SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again")


def sync(arguments: argparse.Namespace) -> None:
    """Make a project's environment, or bring it up to date.

    Raises:
        SetupError: if there is no supported Python, or uv fails (its own error is printed).
    """
    uv = _Uv(get_uv.install(), arguments.no_cache)
    project = arguments.project.resolve()
    environment = Path(os.environ.get("UV_PROJECT_ENVIRONMENT") or project / ".venv").absolute()
    python = _choose_python(uv, _read_supported(project), arguments.python)
    is_new = _describe(environment / "bin" / "python") != python
    if is_new:
        uv("venv", "--clear", "--no-project", "--python", python.executable, environment)

    selection = ["--frozen", "--python", python.executable]
    selection += [f"--group={group}" for group in arguments.group]
    selection += ["--no-dev"] if arguments.no_dev else []
    left_out = arguments.no_install_package
    # Many containers tell Python not to keep what it compiles. Each process would compile
    # TensorFlow again then: importing it takes 30 seconds instead of 8.
    compiles = arguments.compile_bytecode or os.environ.get("PYTHONDONTWRITEBYTECODE")
    options = ["--compile-bytecode"] if compiles else []
    locked = uv(
        *_EXPORT,
        *(f"--no-emit-package={name}" for name in left_out),
        *selection,
        directory=project,
    )
    local = {name: path for name, path in _list_local(project).items() if name not in left_out}
    if is_new:
        hint = "; compiling Horovod takes minutes" if "horovod" in local else ""
        print(f"Setting up {environment} (once{hint})", flush=True)
    install = _Installer(uv, project, ["--python", str(environment), *options])
    install("--require-hashes", "--requirement", "-", build_lock=project, given=locked)
    for name, package in local.items():
        install.build(name, package)
    # Left for uv sync, which knows the lock: to remove the rest. It would build without hashes.
    options += ["--inexact"] if arguments.inexact else []
    uv(
        "sync",
        "--require-build-hashes",
        *(f"--no-install-package={name}" for name in left_out),
        *selection,
        *options,
        directory=project,
    )
    if project == _REPOSITORY:
        let_import_everywhere(environment)


def let_import_everywhere(environment: Path) -> None:
    """Have an environment's Python find the repository's packages from any folder."""
    for packages in environment.glob("lib/python*/site-packages"):
        (packages / "kubeflow-bert.pth").write_text(f"{_REPOSITORY}\n", "utf-8")


class _Uv:
    """uv with the settings that all environments share."""

    def __init__(self, program: Path, no_cache: bool) -> None:
        self._environment = dict(os.environ)
        # Where the home is read-only, uv would not even look at an environment that is up to date.
        no_cache = no_cache or not self._may_write_cache()
        self._command = [str(program), "--preview-features=build-dependency-hashes,pylock"]
        self._command += ["--no-cache"] if no_cache else []
        # uv reads neither pip's settings nor an empty URL.
        self._environment.pop("UV_DEFAULT_INDEX", None)
        index = os.environ.get("UV_DEFAULT_INDEX") or get_uv.find_index()
        if index:
            self._environment["UV_DEFAULT_INDEX"] = index
        # The environment that a shell has activated is not the one to change.
        self._environment.pop("VIRTUAL_ENV", None)

    def _may_write_cache(self) -> bool:
        caches = Path(self._environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
        cache = Path(self._environment.get("UV_CACHE_DIR") or caches / "uv").absolute()
        nearest = next(folder for folder in (cache, *cache.parents) if os.path.exists(folder))
        return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)

    def __call__(
        self,
        *arguments: str | Path,
        directory: Path = _REPOSITORY,
        given: str | None = None,
        quiet: bool = True,
    ) -> str:
        """Run a command in a folder, whose pyproject.toml may have settings for uv.

        Args:
            arguments: the command and its options.
            directory: the folder.
            given: standard input.
            quiet: print errors only.

        Returns:
            Standard output.

        Raises:
            SetupError: if the command fails; uv has printed its error.
        """
        command = [*self._command, "--directory", directory, *arguments]
        try:
            done = subprocess.run(
                [*command, "--quiet"] if quiet else command,
                env=self._environment,
                input=given,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                check=False,
            )
        except OSError as error:
            raise get_uv.SetupError(f"uv can't be run: {error}") from None
        if done.returncode:
            raise get_uv.SetupError(
                f"uv {arguments[0]} failed; manifests/OFFLINE.md lists the settings for a proxy, a "
                "package index, and machines without a network"
            )
        return done.stdout


class _Installer:
    """Installs packages; the hashes of what the source packages are built with are required."""

    def __init__(self, uv: _Uv, project: Path, options: list[str]) -> None:
        self._uv, self._project, self._options = uv, project, options

    def __call__(self, *arguments: str, build_lock: Path, given: str | None = None) -> None:
        """Install what the arguments name.

        Args:
            arguments: those of uv pip install.
            build_lock: folder of the lock whose group `build` source packages are built with.
            given: standard input.
        """
        with tempfile.TemporaryDirectory() as scratch:
            constraints = Path(scratch, "build.txt")
            constraints.write_text(self._export_build(build_lock), "utf-8")
            build = ("--build-constraints", str(constraints), "--require-build-hashes")
            command = ("pip", "install", *arguments, *build, *self._options)
            # In the project's folder, whose pyproject.toml has variables for the builds.
            self._uv(*command, directory=self._project, given=given)

    def build(self, name: str, package: Path) -> None:
        """Build a local package, and install it as uv sync wants it."""
        with tempfile.TemporaryDirectory() as scratch:
            lock = Path(scratch, "pylock.toml")
            path = json.dumps(str(package), ensure_ascii=False)  # a string of TOML too
            lock.write_text(
                'lock-version = "1.0"\ncreated-by = "sync.py"\n\n'
                f'[[packages]]\nname = "{name}"\n'
                f"directory = {{ path = {path}, editable = false }}\n",
                "utf-8",
            )
            self("--no-deps", "--requirement", str(lock), build_lock=package)

    def _export_build(self, folder: Path) -> str:
        if "\nbuild = [" not in (folder / "pyproject.toml").read_text("utf-8"):
            return ""
        return self._uv(*_EXPORT, "--frozen", "--group=build", directory=folder)


def _list_local(project: Path) -> dict[str, Path]:
    """Return the folders of the packages that a project takes from the checkout, by name."""
    found = re.findall(
        r'^name = "([^"]+)"\nversion = "[^"]+"\nsource = \{ directory = "([^"]+)" \}$',
        (project / "uv.lock").read_text("utf-8"),
        re.MULTILINE,
    )
    return {name: (project / folder).resolve() for name, folder in found}


def _read_supported(project: Path) -> list[tuple[int, int]]:
    """Return the versions of Python that a project allows, newest first."""
    try:
        text = (project / "pyproject.toml").read_text("utf-8")
    except OSError as error:
        raise get_uv.SetupError(f"no project: {error}") from None
    bounds = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', text, re.MULTILINE)
    assert bounds, f"{project}/pyproject.toml gives no range in requires-python"
    oldest, after = map(int, bounds.groups())
    return [(3, minor) for minor in reversed(range(oldest, after))]


def _choose_python(uv: _Uv, supported: list[tuple[int, int]], named: str | None) -> Python:
    """Return the Python to use: the named one, that of .venv, the system's, or uv's own.

    Raises:
        SetupError: if the named one is unsupported, or uv can't download its own.
    """
    if named:
        python = _describe(named)
        if python and python.version in supported:
            return python
        got = f"is Python {python.version[0]}.{python.version[1]}" if python else "does not run"
        raise get_uv.SetupError(f"{named} {got}; use Python {_join(supported)}")
    names = ["python3", *(f"python{major}.{minor}" for major, minor in supported)]
    folders = [Path(folder) for folder in os.get_exec_path()]
    candidates = [folder / name for name in names for folder in folders]
    for candidate in [_REPOSITORY / ".venv" / "bin" / "python", *candidates]:
        python = _describe(candidate)
        if python and python.version in supported:
            return python
    return _download_python(uv, supported)


def _download_python(uv: _Uv, supported: list[tuple[int, int]]) -> Python:
    version = "{}.{}".format(*supported[0])
    try:
        uv("python", "install", "--no-bin", version)
        found = uv("python", "find", "--managed-python", "--no-project", version, quiet=False)
    except get_uv.SetupError:
        raise get_uv.SetupError(
            f"no Python {_join(supported)} is installed, and uv could not download {version}. "
            "Install one of them, name it (make PYTHON=/path/to/python3 …), or set "
            "UV_PYTHON_INSTALL_MIRROR to a mirror of uv's Python builds"
        ) from None
    python = _describe(found.strip())
    assert python, found
    return python


def _describe(executable: str | Path) -> Python | None:
    """Return the Python behind an executable, past virtual environments and shims, if it runs."""
    try:
        done = subprocess.run(
            [executable, "-I", "-c", _DESCRIBE_PYTHON],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        major, minor, base = done.stdout.strip().split(maxsplit=2)
    except (OSError, ValueError):
        return None
    return Python(os.path.realpath(base), (int(major), int(minor)))


def _join(versions: list[tuple[int, int]]) -> str:
    *older, newest = (f"{major}.{minor}" for major, minor in reversed(versions))
    return f"{', '.join(older)} or {newest}" if older else newest


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("project", type=Path, help="folder of pyproject.toml and uv.lock")
    parser.add_argument(
        "--python", help="interpreter to use (default: that of .venv, or the system's)"
    )
    parser.add_argument("--group", action="append", default=[], help="add a dependency group")
    parser.add_argument("--no-dev", action="store_true", help="leave out the group dev")
    parser.add_argument("--inexact", action="store_true", help="keep packages that are not locked")
    parser.add_argument(
        "--no-install-package",
        action="append",
        default=[],
        metavar="NAME",
        help="leave out a package",
    )
    parser.add_argument("--compile-bytecode", action="store_true", help="compile modules now")
    parser.add_argument("--no-cache", action="store_true", help="leave nothing in uv's cache")
    return parser.parse_args()


if __name__ == "__main__":
    main()
