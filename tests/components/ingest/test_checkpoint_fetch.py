"""Checkpoints in archives, from this machine and from servers, and what they may not do."""

import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.ingest.checkpoint_fetch import fetch_checkpoint
from components.ingest.config import CheckpointConfig
from components.ingest.download.resumable import Downloads
from components.shared.checkpoints.checkpoint_manifest import check_files, write_manifest
from components.shared.errors import InputError
from components.shared.files.atomic import sha256
from tests.components.ingest.misbehaving_server import Answer
from tests.components.ingest.samples import make_google_folder

NAMES = {"vocab.txt", "bert_config.json", "bert_model.ckpt.index",
         "bert_model.ckpt.data-00000-of-00001"}  # fmt: skip
GOOGLES = "uncased_L-2_H-128_A-2"


@pytest.fixture
def files(tmp_path) -> dict[str, bytes]:
    """A checkpoint's files by their names."""
    folder = make_google_folder(tmp_path / "google")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def pack_zip(path: Path, name_to_content: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in name_to_content.items():
            archive.writestr(name, content)
    return path


def pack_tar(path: Path, name_to_content: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in name_to_content.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def fetch(place: object, tmp_path: Path) -> dict[str, bytes]:
    """What is fetched, by name."""
    folder = tmp_path / "fetched"
    folder.mkdir()
    downloads = Downloads(folder=tmp_path / "downloads", timeout_seconds=5, max_retries=0)
    fetch_checkpoint(CheckpointConfig(initial_checkpoint=str(place)), folder, downloads)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("inner", ["", f"{GOOGLES}/", f"./a/{GOOGLES}/"])
@pytest.mark.parametrize(
    ("pack", "suffix"), [(pack_zip, ".zip"), (pack_tar, ".tar.gz"), (pack_tar, ".tgz")]
)
def test_the_folder_in_an_archive_is_found(tmp_path, files, pack, suffix, inner):
    """Whatever lies beside it: another model's notes, and what a Mac adds."""
    others = {
        "README.md": b"notes",
        f"__MACOSX/{inner}._bert_model.ckpt.index": b"x",
        "pooling/config.json": b"{}",
    }
    packed = others | {f"{inner}{name}": content for name, content in files.items()}

    fetched = fetch(pack(tmp_path / f"{GOOGLES}{suffix}", packed), tmp_path)

    assert fetched == {name: files[name] for name in NAMES}


@pytest.mark.parametrize(
    "more", [("lineage.json", "model.int8.onnx"), ("history.jsonl", "run.json", "trainer.json")]
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_all_that_a_checkpoint_of_this_project_lists_is_fetched(tmp_path, more, packed):
    """A released one has its lineage and maybe an int8 graph, the state of a training the rest."""
    folder = make_google_folder(tmp_path / "own")
    for path in [path for path in folder.iterdir() if path.name not in NAMES]:
        path.unlink()
    for name in more:
        (folder / name).write_text("{}\n", encoding="utf-8")
    write_manifest(folder, step=1)
    own = {path.name: path.read_bytes() for path in folder.iterdir()}

    fetched = fetch(pack_zip(tmp_path / "own.zip", own) if packed else folder, tmp_path)

    assert fetched == own
    check_files(tmp_path / "fetched", has_manifest=True)


def test_an_archive_is_downloaded_and_verified(tmp_path, files, server):
    """From a web server, by the checksum after its address."""
    path = pack_zip(tmp_path / "packed.zip", files)
    address = server.serve("/models/bert.zip", Answer(path.read_bytes()))

    with pytest.raises(InputError, match=f"sha256 {sha256(path)}, expected 0000"):
        fetch(f"{address}#sha256={'0' * 64}", tmp_path)
    (tmp_path / "fetched").rmdir()

    assert fetch(f"{address}#sha256={sha256(path)}", tmp_path).keys() == NAMES


def test_no_entry_leaves_the_folder(tmp_path, files):
    """Its own path is never written to, up or absolute."""
    outside = tmp_path / "outside"
    packed = {f"{outside}/{name}": content for name, content in files.items()}
    archive = pack_zip(tmp_path / "up.zip", packed | {"../vocab.txt": b"x"})
    before = {path for path in tmp_path.rglob("*") if path.is_file()}

    fetched = fetch(archive, tmp_path)

    assert fetched == {name: files[name] for name in NAMES}
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.parent for path in new} == {tmp_path / "fetched"}


def make_link(path: Path, files: Mapping[str, bytes]) -> Path:
    """A tar whose vocabulary is a link to a file of the machine."""
    pack_tar(path, {name: one for name, one in files.items() if name != "vocab.txt"})
    with tarfile.open(path) as old:
        members = [(member, old.extractfile(member).read()) for member in old]
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("vocab.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


def make_zip_link(path: Path, files: Mapping[str, bytes]) -> Path:
    """The same as a zip."""
    pack_zip(path, {name: one for name, one in files.items() if name != "vocab.txt"})
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("vocab.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return path


def encrypt(path: Path, files: Mapping[str, bytes]) -> Path:
    """A zip that says that its files are."""
    content = bytearray(pack_zip(path, files).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(mark, place + 1)
    path.write_bytes(content)
    return path


def cut(path: Path, files: Mapping[str, bytes]) -> Path:
    """Half an archive."""
    content = pack_tar(path, {**files, "noise": os.urandom(100_000)}).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def alter(path: Path, files: Mapping[str, bytes]) -> Path:
    """A zip whose weights lost a bit; they are stored as they are."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path.write_bytes(path.read_bytes().replace(b"weights", b"weightz", 1))
    return path


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("a.tar.gz", make_link, r"vocab\.txt is a link; pack the file itself"),
        ("a.zip", make_zip_link, r"vocab\.txt is a link; pack the file itself"),
        ("a.zip", encrypt, r"is encrypted; pack it without a password"),
        ("a.tgz", cut, r"or damaged \(.*\); fetch it again"),
        ("a.zip", alter, r"or damaged \(Bad CRC-32 .*\); fetch it again"),
        (
            "a.zip",
            lambda path, files: pack_zip(path, {f"{n}/{k}": files[k] for n in "ab" for k in files}),
            r"several checkpoints in it \(a, b\); pack one",
        ),
        (
            "a.zip",
            lambda path, files: pack_zip(path, {f"m/{k}": files[k] for k in files if "v" not in k}),
            r"no vocab\.txt in it; an initial_checkpoint is",
        ),
        (
            "a.zip",
            lambda path, files: pack_zip(path, {"config.json": b"{}", "pytorch_model.bin": b""}),
            r"the weights in pytorch_model\.bin can't be read",
        ),
        (
            "a.zip",
            lambda path, files: pack_zip(path, {"letter.txt": b"x"}),
            r"no vocab\.txt, no bert_config\.json .*, no weights .* in it",
        ),
        (
            "a.zip",
            lambda path, files: pack_zip(path, files | {"bert_model.ckpt.index": bytes(70 << 20)}),
            r"unpacks to \d+ bytes, more than 20 times its own size",
        ),
    ],
    ids=["link", "zip link", "encrypted", "cut", "altered", "several", "no vocabulary", "pickle",
         "no checkpoint", "bomb"],
)  # fmt: skip
def test_an_archive_that_will_not_do_is_rejected(tmp_path, files, name, make, said):
    """In one line, after the archive's path."""
    path = make(tmp_path / name, files)

    with pytest.raises(InputError, match=said) as error:
        fetch(path, tmp_path)

    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_folder_of_a_web_server_is_rejected_before_anything_runs():
    """It can't be listed; what signs the address is not shown."""
    with pytest.raises(InputError, match=r"^https://host/bert: a web server .* \(\.zip, ") as error:
        CheckpointConfig(initial_checkpoint="https://host/bert?token=secret")

    assert "secret" not in str(error.value)


def test_a_missing_archive_is_named(tmp_path):
    """As any file is."""
    with pytest.raises(InputError, match=r"gone\.zip: no such file"):
        fetch(tmp_path / "gone.zip", tmp_path)
