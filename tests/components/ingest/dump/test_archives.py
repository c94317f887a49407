"""Dumps given as a folder or as an archive."""

import bz2
import gzip
import io
import json
import subprocess
import tarfile

import pytest

from components.ingest.config import IngestConfig
from components.ingest.run import run
from components.shared.errors import InputError
from tests.bombs import NUM_BYTES
from tests.components.ingest.samples import make_export


def make_tar(path, name_to_content, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in name_to_content.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


EXPORTS = {
    "dumps/a.xml.bz2": bz2.compress(make_export(2)),
    "dumps/b.xml": make_export(3),
    "dumps/a-multistream-index.txt.bz2": bz2.compress(b"1:2:A"),
    "dumps/README": b"Read me.",
    "dumps/._b.xml": b"\0\5\x16\7 what macOS notes of b.xml",
}


@pytest.fixture
def ingest(tmp_path, inputs):
    """Runs the stage on a dump; returns the names and sources in its manifest."""

    def ingest_dump(dump):
        config = IngestConfig(
            dump_files=tmp_path / "out" / "dump_files",
            text_files=tmp_path / "out" / "text_files",
            squad=tmp_path / "out" / "squad",
            given_vocabulary=tmp_path / "out" / "given_vocabulary",
            dump=str(dump),
            squad_train=str(inputs.squad),
            vocabulary=str(inputs.vocabulary),
        )
        run(config)
        manifest = json.loads((config.dump_files / "dump.json").read_text())
        for file in manifest["files"]:
            assert (config.dump_files / file["name"]).stat().st_size == file["bytes"]
        return {file["name"]: file["source"] for file in manifest["files"]}

    return ingest_dump


@pytest.mark.parametrize(("name", "mode"), [("dump.tar", "w"), ("dump.tar.gz", "w:gz")])
def test_exports_in_an_archive_are_the_dump(tmp_path, ingest, name, mode):
    """What else is in it is left out; the manifest says where each comes from."""
    archive = make_tar(tmp_path / name, EXPORTS, mode)

    assert ingest(archive) == {"a.xml.bz2": f"{archive}/a.xml.bz2", "b.xml": f"{archive}/b.xml"}


def test_exports_in_a_folder_are_the_dump(tmp_path, ingest):
    """With subfolders, as in an archive; sorted by path."""
    folder = tmp_path / "dumps"
    (folder / "abc").mkdir(parents=True)
    for name, content in {**EXPORTS, "dumps/abc/c.xml": make_export(4)}.items():
        (tmp_path / name).write_bytes(content)

    assert list(ingest(folder)) == ["a.xml.bz2", "c.xml", "b.xml"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"README": b"x"}, "no export in this archive"),
        ({"a.xml": b"<html>"}, "HTML|not a MediaWiki XML export"),
        ({"a.xml": make_export()[:-20]}, "cut short"),
        ({"x/a.xml": make_export(), "y/a.xml": make_export()}, "has the name a.xml too"),
    ],
)
def test_archive_without_a_sound_export_is_rejected(tmp_path, ingest, content, message):
    """Its exports are checked like files of their own, and nothing is left behind."""
    with pytest.raises(InputError, match=message):
        ingest(make_tar(tmp_path / "dump.tar", content))

    assert not (tmp_path / "out" / "dump_files").exists()


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_file_that_is_no_archive_is_rejected(tmp_path, ingest, content):
    """Whatever its name says."""
    (tmp_path / "dump.tar").write_bytes(content)

    with pytest.raises(InputError, match="not a tar archive|is empty"):
        ingest(tmp_path / "dump.tar")


def test_archive_that_is_a_decompression_bomb_is_rejected(tmp_path, ingest):
    """As an export in it, or as a header that a reader would hold in memory."""
    as_export = make_tar(tmp_path / "a.tar.gz", {"a.xml": bytes(NUM_BYTES)}, "w:gz")
    header = tarfile.TarInfo("a")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, NUM_BYTES
    as_header = tmp_path / "b.tar.gz"
    as_header.write_bytes(gzip.compress(header.tobuf() + bytes(NUM_BYTES + 1024)))

    for archive in (as_export, as_header):
        with pytest.raises(InputError, match=f"{archive}: .* decompression bomb"):
            ingest(archive)

    assert not (tmp_path / "out" / "dump_files").exists()


def test_sparse_file_in_an_archive_is_rejected(tmp_path, ingest):
    """Its holes take nothing in the archive, and any room outside."""
    with (tmp_path / "a.xml").open("wb") as file:
        file.truncate(1 << 40)
    subprocess.run(["tar", "-cSf", tmp_path / "dump.tar", "-C", tmp_path, "a.xml"], check=True)

    with pytest.raises(InputError, match=r"a\.xml is sparse"):
        ingest(tmp_path / "dump.tar")


def test_folder_without_an_export_is_rejected(tmp_path, ingest):
    """An empty folder is a mistake."""
    (tmp_path / "dumps").mkdir()

    with pytest.raises(InputError, match="no export in this folder"):
        ingest(tmp_path / "dumps")
