"""register: upload compiled pipelines to a cluster."""

import argparse
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from pipelines.kubeflow.server import add_flags, connect, server_errors


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "register",
        help="upload compiled pipelines to a cluster",
        description="Upload packages as versions of the pipelines that they are named for. A "
        "version's name contains a hash of its content, so existing versions are left alone.",
    )
    parser.add_argument(
        "packages",
        type=Path,
        nargs="+",
        metavar="package",
        help="package written by `python -m pipelines compile`, or a folder of packages",
    )
    add_flags(parser)
    parser.set_defaults(function=register_packages)


def register_packages(
    packages: list[Path], host: str, namespace: str | None, token_file: Path | None
) -> int:
    """Register each package and print a line about it."""
    from pipelines.compiled_package import read_package
    from pipelines.kubeflow.registry import register

    # All are read before any is sent.
    compiled = [read_package(file) for path in packages for file in _list_files(path)]
    cluster = connect(host, namespace, token_file)
    with server_errors(cluster, "check the namespace and your rights, and register again"):
        for package in compiled:
            version = register(cluster, package)
            if version.is_new:
                print(f"{package.name}: version {version.name} is new")
            elif version.is_newest:
                print(f"{package.name}: version {version.name} is there already")
            else:
                print(
                    f"{package.name}: version {version.name} is there already, but a newer one "
                    "is what `latest` means; name the version where you want this one"
                )
    return 0


def _list_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.yaml"))
    if not files:
        raise InputError(
            f"{path}: no *.yaml in this folder; `python -m pipelines compile` makes it"
        )
    return files
