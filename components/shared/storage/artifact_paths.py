"""Where Kubeflow's artifacts lie: objects in a store, and the paths that stand for them.

Kubeflow's launcher copies an artifact's objects to a path before a step and back after it.
Pods that a step starts have no launcher: they copy themselves.
"""

from pathlib import Path

from components.shared.storage.transfers import Bucket, open_bucket

# backend/src/v2/component, LocalPathForURI; under kfp.local a URI is already a path.
_SCHEME_TO_MOUNT = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}


def local_path(uri: str) -> Path:
    """The path of an artifact in the container of a step."""
    for scheme, mount in _SCHEME_TO_MOUNT.items():
        if uri.startswith(scheme):
            return Path(mount + uri.removeprefix(scheme))
    return Path(uri)


def address_of(path: Path) -> str | None:
    """Return the address that `local_path` made the path of; None for another path."""
    for scheme, mount in _SCHEME_TO_MOUNT.items():
        if str(path).startswith(mount):
            return scheme + str(path).removeprefix(mount)
    return None


def mount_of(path: Path) -> str | None:
    """The folder that holds all artifacts of the path's store, as `/s3`."""
    return f"/{path.parts[1]}" if address_of(path) else None


def find_run_folder(path: Path) -> Path:
    """Return the folder of the run that a path's artifact belongs to, with a folder for each step.

    Kubeflow has a folder for each execution of a step in the step's; kfp.local has not.
    """
    return path.parents[2 if address_of(path) else 1]


def identify_run(path: Path) -> str:
    """Return what identifies the run that a path's artifact belongs to."""
    return find_run_folder(path).name


def fetch(path: Path) -> None:
    """Bring here what stands at a path's address, a file or a folder.

    Raises:
        InputError: if there is nothing, or the store refuses.
    """
    folder = _open(path)
    names = [name for name in folder.names() if not name.endswith("/")]
    if names:
        folder.download_all({name: path / name for name in names})
    else:
        _open(path.parent).download(path.name, path)


def publish(path: Path) -> None:
    """Put a file, or the files of a folder, to the path's address.

    Raises:
        InputError: if the store refuses.
    """
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    _open(path.parent).upload_all({str(file.relative_to(path.parent)): file for file in files})


def _open(path: Path) -> Bucket:
    address = address_of(path)
    assert address is not None, f"{path} stands for no object"
    return open_bucket(address)
