import errno
import os
import resource
import subprocess
import sys

import pytest

from components.shared.errors import InputError
from components.shared.files.atomic import (
    expect_place,
    expect_replaceable,
    os_errors_explained,
    scratch_folder,
    sha256,
    split_places,
    whole_file,
    whole_folder,
    write_text,
)


def write_half_a_folder(target):
    with whole_folder(target) as scratch:
        (scratch / "new").write_text("half")
        raise RuntimeError


def write_half_a_file(target):
    with whole_file(target) as scratch:
        scratch.write_text("half")
        raise RuntimeError


def test_folder_appears_with_all_that_was_written(tmp_path):
    """A whole folder holds what the block wrote."""
    target = tmp_path / "new" / "target"

    with whole_folder(target) as scratch:
        (scratch / "a").write_text("1")
        assert not target.exists()

    assert [path.name for path in target.iterdir()] == ["a"]


def test_failure_leaves_the_old_folder_and_nothing_else(tmp_path):
    """A block that fails changes nothing."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").write_text("1")

    with pytest.raises(RuntimeError):
        write_half_a_folder(target)

    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert [path.name for path in target.iterdir()] == ["old"]


def test_folder_replaces_an_older_one(tmp_path):
    """Nothing of the folder that stood there before stays."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").write_text("1")

    with whole_folder(target) as scratch:
        (scratch / "new").write_text("2")

    assert [path.name for path in target.iterdir()] == ["new"]


def test_folder_can_be_read_by_others(tmp_path):
    """A container that runs as another user can list the folder."""
    with whole_folder(tmp_path / "target"):
        pass

    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o755


def test_failure_leaves_the_old_file(tmp_path):
    """A file is replaced whole or not at all."""
    target = tmp_path / "target"
    target.write_text("old")

    with pytest.raises(RuntimeError):
        write_half_a_file(target)

    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_text_is_written_in_utf_8_with_its_folders(tmp_path):
    """write_text makes the folders that are missing."""
    write_text(tmp_path / "a" / "b.txt", "é")

    assert (tmp_path / "a" / "b.txt").read_bytes() == b"\xc3\xa9"


def test_sha256_is_that_of_the_bytes(tmp_path):
    """The digest of "abc" is the one that FIPS 180 gives."""
    (tmp_path / "abc").write_bytes(b"abc")

    assert sha256(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_scratch_folder_clears_what_killed_processes_left(tmp_path):
    """A folder that nobody holds any more goes; one in use, or of another name, stays."""
    left = tmp_path / ".dataset-killed_1"
    left.mkdir()
    (left / "half").write_text("x")
    (tmp_path / ".dataset-backup-of-mine").mkdir()

    with scratch_folder(tmp_path / "dataset") as in_use:
        (in_use / "kept").write_text("x")
        with scratch_folder(tmp_path / "dataset") as other:
            assert other != in_use
            assert (in_use / "kept").exists()

    assert [path.name for path in tmp_path.iterdir()] == [".dataset-backup-of-mine"]


def test_a_place_where_nothing_can_be_written_is_rejected_before_the_work(tmp_path):
    """A folder where a file is to be, the other way round, and a file on the way there."""
    (tmp_path / "file").touch()

    for path, is_folder, message in (
        (tmp_path, False, "is a folder already, where a file is to be written"),
        (tmp_path / "file", True, "is a file already, where a folder is to be written"),
        (tmp_path / "file" / "a" / "b", False, "file is not a folder"),
    ):
        with pytest.raises(InputError, match=message):
            expect_place(path, is_folder=is_folder)


def test_a_place_is_found_good_without_being_made(tmp_path):
    """New or to be replaced."""
    (tmp_path / "file").touch()

    for path, is_folder in ((tmp_path / "file", False), (tmp_path, True), (tmp_path / "a/b", True)):
        expect_place(path, is_folder=is_folder)

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_of_somebody_elses_is_not_replaced(tmp_path):
    """One that lacks what such an output always holds; none, an empty and an earlier one may go."""
    (tmp_path / "empty").mkdir()
    for path in ("mine/thesis.tex", "half/a", "earlier/a", "earlier/b", "earlier/c"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()

    for name in ("none", "empty", "earlier"):
        expect_replaceable(tmp_path / name, "a", "b")

    for name, message in (("mine", "mine: holds thesis.tex and no a: "), ("half", "a and no b: ")):
        with pytest.raises(InputError, match=message):
            expect_replaceable(tmp_path / name, "a", "b")


@pytest.fixture
def locked(tmp_path):
    """A folder that this process may neither write to nor search."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0)
    is_root = os.geteuid() == 0
    if is_root:  # who may write anywhere
        os.setresuid(65534, 65534, 0)
    yield folder
    if is_root:
        os.setresuid(0, 0, 0)
    folder.chmod(0o700)


def test_a_place_that_is_not_ours_is_rejected(locked):
    """In the folder, and further down where nobody can look."""
    for path in (locked / "file", locked / "a" / "b"):
        with pytest.raises(InputError, match="can't be written to; give the output another path"):
            expect_place(path)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (errno.ENOSPC, "/a/b: No space left on device; free some there, or give its place more"),
        (errno.EROFS, "/a/b: Read-only file system; give a place that can be written to"),
        (errno.ENAMETOOLONG, "/a/b: File name too long; give a shorter path"),
        (errno.EMFILE, "/a/b: Too many open files; raise `ulimit -n`, and run again"),
    ],
)
def test_fault_of_a_disk_names_the_file_and_the_remedy(code, line):
    """Not the number of the error."""
    with pytest.raises(InputError) as caught, os_errors_explained():
        raise OSError(code, os.strerror(code), "/a/b")

    assert str(caught.value).startswith(line)


def test_any_other_error_of_the_system_stays_what_it_is():
    """It may be a fault of ours, of which a traceback tells more."""
    with pytest.raises(FileNotFoundError), os_errors_explained():
        raise FileNotFoundError(errno.ENOENT, "No such file", "/a/b")


def test_want_of_memory_is_told_in_a_line():
    """Of a process that really gets no more."""
    limit = resource.getpagesize() * 100_000
    code = (
        "from components.shared.files.atomic import os_errors_explained\n"
        "with os_errors_explained(): bytearray(1 << 40)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        check=False,
        capture_output=True,
        text=True,
    )

    assert ended.stderr.splitlines()[-1].endswith(
        "InputError: memory ran out; give this step more, and run again"
    )


def test_a_missing_path_with_a_space_is_one_place(tmp_path):
    """It is then told as missing, and not the folder before the space as of no known kind."""
    there = tmp_path / "b.xml"
    there.touch()

    assert split_places("/mon dépôt/x.xml") == ["/mon dépôt/x.xml"]
    assert split_places("/mon dépôt/x.xml,/c d/*.xml") == ["/mon dépôt/x.xml", "/c d/*.xml"]
    assert split_places(f"/a.xml {there} s3://b/c") == ["/a.xml", str(there), "s3://b/c"]
    assert split_places("a.xml b.xml") == ["a.xml", "b.xml"]
