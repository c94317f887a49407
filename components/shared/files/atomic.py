"""Files and folders that appear whole or not at all, and their checksums."""

import errno
import fcntl
import glob
import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from components.shared.errors import InputError

_CHUNK_BYTES = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_MORE_ROOM = "free some there, or give its place more, and run again"
_ERROR_TO_REMEDY = {
    **dict.fromkeys(_NO_ROOM, _MORE_ROOM),
    errno.EROFS: "give a place that can be written to",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "give this user the right to it, or another path"),
    errno.ENAMETOOLONG: "give a shorter path",
    errno.EMFILE: "raise `ulimit -n`, and run again",
    errno.EIO: "its disk fails: move the data to another, and run again",
}
OUT_OF_MEMORY = "memory ran out; give this step more, and run again"


@contextmanager
def os_errors_explained() -> Iterator[None]:
    """Raise InputError for what a disk, its rights or memory don't allow the block to do."""
    try:
        yield
    except MemoryError as error:
        raise InputError(OUT_OF_MEMORY) from error
    except OSError as error:
        remedy = _ERROR_TO_REMEDY.get(error.errno or 0)
        if remedy is None:
            raise
        place = f"{error.filename}: " if error.filename else ""  # none where a write fails
        raise InputError(f"{place}{error.strerror}; {remedy}") from error


def is_there(place: str) -> bool:
    """Whether a path is there, or a pattern fits one; conditions may follow after a `#`.

    Of a text of any length: pathlib raises an error for what is longer than a path may be.
    """
    return any(
        os.path.exists(one)
        or (glob.has_magic(one) and next(glob.iglob(one, recursive=True), None) is not None)
        for one in (place, place.rpartition("#")[0])
        if one
    )


def split_places(text: str) -> list[str]:
    """Split a list of paths, patterns and addresses at commas and white space.

    A path with a space or a comma in it is one, where it is there. So is an absolute one with a
    space that is missing, unless what follows the space is a place by itself.
    """
    if os.path.isfile(text):
        return [text]
    pieces = (piece.strip() for piece in re.split(r"[,\r\n\t]+", text))
    parts = ([piece] if _is_one_place(piece) else piece.split() for piece in pieces)
    return [place for part in parts for place in part]


def _is_one_place(piece: str) -> bool:
    if " " not in piece or is_there(piece):
        return " " in piece
    _, *rest = piece.split()
    return piece.startswith("/") and not all(
        part.startswith("/") or "://" in part or is_there(part) for part in rest
    )


@contextmanager
def room_expected(path: Path) -> Iterator[None]:
    """Raise InputError where the block finds no room left on the disk of `path`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise InputError(f"{path}: {error.strerror}; {_MORE_ROOM}") from error


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield a new hidden folder beside `path`, which goes with the block.

    Those that a killed process has left there for the same path go first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = re.compile(rf"\.{re.escape(path.name)}-[a-z0-9_]{{8}}(-old)?")  # as mkdtemp names them
    for left in path.parent.iterdir():
        if ours.fullmatch(left.name) and left.is_dir() and _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    descriptor = os.open(scratch, os.O_RDONLY)
    try:
        # Held until this process ends, in whatever way.
        with suppress(OSError):  # where the file system knows no locks, nothing is cleared
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield scratch
    finally:
        os.close(descriptor)
        shutil.rmtree(scratch, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return False  # another user's, or just gone
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False  # in use, or the file system knows no locks
    finally:
        os.close(descriptor)
    return True


def expect_place(path: Path, *, is_folder: bool = False) -> None:
    """Find out before the work whether its output can be written; makes nothing.

    Raises:
        InputError: if a file, or a folder, can't stand at this path.
    """
    # os.path: Path.exists raises an error below a folder that can't be searched.
    if os.path.exists(path) and os.path.isdir(path) != is_folder:
        found, wanted = ("a file", "a folder") if is_folder else ("a folder", "a file")
        raise InputError(f"{path}: is {found} already, where {wanted} is to be written")
    parent = next(folder for folder in path.absolute().parents if os.path.exists(folder))
    if not parent.is_dir():
        raise InputError(f"{path}: {parent} is not a folder; give the output another path")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: {parent} can't be written to; give the output another path")


def expect_replaceable(folder: Path, *names: str) -> None:
    """Find out before the work whether `whole_folder` would remove what somebody else keeps.

    Args:
        folder: to be written; none yet, an empty one, or one with all these files will do.
        names: what such an output always holds.

    Raises:
        InputError: if the folder holds something else.
    """
    held = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    missing = [name for name in names if name not in held]
    if held and missing:
        raise InputError(
            f"{folder}: holds {held[0]} and no {missing[0]}: it is something else, and would be "
            "replaced; give another folder"
        )


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a scratch folder that takes the place of `path` once the block succeeds.

    A folder that stood at `path` before is replaced; if the block fails, it stays.
    """
    with room_expected(path), scratch_folder(path) as scratch:
        yield scratch
        give_usual_mode(scratch)  # mkdtemp makes 0700, which another user's container can't read
        # Moved aside first: a half-deleted folder must not stand under the name of a whole one.
        old = scratch.with_name(f"{scratch.name}-old")
        if path.is_dir():
            os.replace(path, old)
        os.replace(scratch, path)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a scratch path; the file written there becomes `path` once the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        with room_expected(path):
            yield scratch
            os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def give_usual_mode(path: Path) -> None:
    """Give a file or folder the mode that the umask leaves to new ones beside or in it.

    The umask itself can't be read without setting it for all threads.
    """
    probe = (path if path.is_dir() else path.parent) / f".{uuid.uuid4().hex}"
    if path.is_dir():
        probe.mkdir()
        path.chmod(probe.stat().st_mode)
        probe.rmdir()
    else:
        probe.touch()
        path.chmod(probe.stat().st_mode)
        probe.unlink()


def write_text(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write a text file in UTF-8, whole or not at all; its mode is the umask's by default."""
    with whole_file(path) as scratch:
        if mode is not None:
            scratch.touch(mode)
        scratch.write_text(text, encoding="utf-8")


def sha256(path: Path, advance: Callable[[int], None] = lambda _: None) -> str:
    """Return a file's SHA-256 in hexadecimal; `advance` gets the number of bytes read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()
