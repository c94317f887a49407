"""register: upload compiled pipelines to a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError
from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import Positional
from pipelines.commands.cluster import ClusterSettings
from pipelines.kubeflow.server import server_errors


@dataclass(frozen=True, kw_only=True)
class RegisterSettings(ClusterSettings):
    """Upload packages as versions of the pipelines that they are named for.

    A version's name contains a hash of its content, so existing versions are left alone.
    """

    packages: Positional[tuple[Path, ...]]
    """Packages written by `python -m pipelines compile`, or folders of packages."""

    def __post_init__(self) -> None:
        """Expect at least one package."""
        if not self.packages:
            raise InputError("PACKAGES is missing: name a package or a folder of packages")


def main(arguments: Sequence[str]) -> int:
    """Register each package and print a line about it."""
    from pipelines.compiled_package import read_package
    from pipelines.kubeflow.registry import register

    settings = parse_config(RegisterSettings, arguments, prog="python -m pipelines register")
    # All are read before any is sent.
    compiled = [read_package(file) for path in settings.packages for file in _list_files(path)]
    cluster = settings.connect()
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
