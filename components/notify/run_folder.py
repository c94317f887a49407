"""The files that the steps of a run left: on disk, or in the store where Kubeflow keeps them."""

from functools import cached_property
from pathlib import Path, PurePosixPath

from components.shared.storage.artifact_paths import address_of, find_run_folder, identify_run
from components.shared.storage.transfers import Bucket, open_bucket


class RunFolder:
    """The folder of a run, which holds one for each step."""

    def __init__(self, artifact: Path) -> None:
        """Find the run's folder.

        Args:
            artifact: an output of one of the run's steps.
        """
        self._folder = find_run_folder(artifact)
        self._depth = len(artifact.relative_to(self._folder).parts) - 1
        self.run = identify_run(artifact)
        """What identifies the run."""

    def find(self, prefix: str) -> list[str]:
        """Return the files whose names begin so, on disk the oldest first.

        Raises:
            InputError: if the store refuses or can't be reached.
        """
        return [name for name in self._names if PurePosixPath(name).name.startswith(prefix)]

    def step_of(self, name: str) -> str:
        """Return the step that wrote a file."""
        return PurePosixPath(name).parts[-1 - self._depth]

    def read(self, name: str) -> str:
        """Return a file's text.

        Raises:
            InputError: if the store refuses or can't be reached.
        """
        if self._bucket is not None:
            return self._bucket.read_text(name) or ""
        return (self._folder / name).read_text("utf-8", errors="replace")

    @cached_property
    def _bucket(self) -> Bucket | None:
        address = address_of(self._folder)
        return open_bucket(address) if address else None

    @cached_property
    def _names(self) -> list[str]:
        if self._bucket is not None:
            return self._bucket.names()
        files = [path for path in self._folder.rglob("*") if path.is_file()]
        files.sort(key=lambda path: path.stat().st_mtime_ns)
        return [str(path.relative_to(self._folder)) for path in files]
