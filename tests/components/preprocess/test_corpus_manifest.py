import hashlib
import json
import re

import google_crc32c
import pytest

from components.preprocess.corpus_manifest import ListedFile, read_manifest
from components.preprocess.dump.files import open_dump
from components.preprocess.text_files.files import TextSettings, open_text_files
from components.shared.errors import InputError
from components.shared.files.formats import stamp
from tests.components.preprocess.conftest import HEAD
from tests.mutations import NUM_MUTATIONS, fuzz

# An export, but for its first line, which lets it pass for text as well.
CONTENT = f"<!-- An export. -->\n{HEAD}".encode()
FILE = {
    "name": "a.xml",
    "bytes": len(CONTENT),
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "crc32c": f"{google_crc32c.value(CONTENT):08x}",
    "source": "https://dumps.wikimedia.org/a.xml",
    "wiki": None,
}
OBJECT = {
    "name": "a.txt",
    "address": "s3://books/a.txt",
    "version": "s3://books/a.txt?etag=1",
    "checksums": {"md5": "0"},
}


def open_dump_folder(folder):
    return open_dump(str(folder))


def open_text_folder(folder):
    return open_text_files(str(folder), TextSettings())


@pytest.fixture(params=[("dump.json", open_dump_folder), ("text.json", open_text_folder)])
def corpus(request, tmp_path):
    """A folder that ingest wrote, and what opens it."""
    name, open_folder = request.param
    (tmp_path / "a.xml").write_bytes(CONTENT)
    (tmp_path / name).write_text(json.dumps({"format_version": 1, "files": [FILE]}))
    return tmp_path, lambda: open_folder(tmp_path)


def test_files_as_ingest_left_them_are_opened(corpus):
    """All that is listed."""
    folder, open_folder = corpus

    assert [file.path for file in open_folder().files] == [str(folder / "a.xml")]


def test_file_that_was_altered_is_an_error(corpus):
    """A byte is enough, at an equal size."""
    folder, open_folder = corpus
    (folder / "a.xml").write_bytes(CONTENT.replace(b"Datei", b"Datej"))

    with pytest.raises(InputError) as caught:
        open_folder()

    assert re.fullmatch(
        rf"{folder}/a.xml: its SHA-256 is \w{{64}}, and was {FILE['sha256']} when the ingest stage "
        "checked it: it was altered or damaged since; run the ingest stage again",
        str(caught.value),
    )


def test_file_that_was_cut_is_an_error(corpus):
    """Its size tells, before it is read."""
    folder, open_folder = corpus
    (folder / "a.xml").write_bytes(CONTENT[:-1])

    with pytest.raises(InputError, match=f"its size is {len(CONTENT) - 1}, and was {len(CONTENT)}"):
        open_folder()


def test_file_that_is_missing_is_an_error(corpus):
    """The stage to run again is named."""
    folder, open_folder = corpus
    (folder / "a.xml").unlink()

    with pytest.raises(InputError, match=r"a.xml: missing, though .*\.json lists it; run the ing"):
        open_folder()


def test_file_that_is_not_listed_is_an_error(corpus):
    """It would go into a dataset whose manifest does not tell of it."""
    folder, open_folder = corpus
    (folder / "b.xml").write_bytes(CONTENT)

    with pytest.raises(InputError, match=r"b.xml: .*\.json does not list it; remove the file, or"):
        open_folder()


@pytest.mark.parametrize("name", ["../a.xml", "/etc/passwd", "b/"])
def test_name_of_a_file_elsewhere_is_an_error(tmp_path, name):
    """A list names files of its own folder."""
    (tmp_path / "dump.json").write_text(json.dumps({"files": [FILE | {"name": name}]}))

    with pytest.raises(InputError, match=r"dump.json: files\[0\]: name: expected a file's name"):
        open_dump(str(tmp_path))


def test_damaged_manifests_are_rejected_in_one_line(tmp_path):
    """Or read without a wrong value."""
    path = tmp_path / "text.json"

    def read(content):
        path.write_bytes(content)
        return read_manifest(str(tmp_path), "text.json").files

    content = json.dumps({**stamp("text.json"), "files": [FILE, OBJECT]}).encode()
    messages = fuzz(content, read, tuple[ListedFile, ...] | None)

    assert len(messages) > NUM_MUTATIONS / 3
    assert all(message.startswith(f"{path}: ") for message in messages)
