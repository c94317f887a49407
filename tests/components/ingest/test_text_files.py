"""Text of a user, from files, servers and buckets."""

import hashlib
import json
import os

import pytest

from components.ingest.config import IngestConfig
from components.ingest.run import run
from components.shared.errors import InputError
from tests.components.ingest.misbehaving_server import Answer
from tests.components.ingest.samples import (
    outputs,
)


def test_text_goes_over_as_it_is(tmp_path, settings, server):
    """From a folder with subfolders, a server and a pattern; ingest does not read the text."""
    books = tmp_path / "books"
    (books / "more" / "_temporary").mkdir(parents=True)
    (books / "a.txt").write_text("A book.")
    (books / "more" / "d.txt").write_text("Another.")
    (books / "more" / "_temporary" / "e.txt").write_text("Half of")
    (books / "page.txt").write_text("<html>saved by hand</html>")
    (books / "_SUCCESS").touch()
    (tmp_path / "b1.jsonl.gz").write_bytes(b"one")
    (tmp_path / "b2.jsonl.gz").write_bytes(b"")
    address = server.serve("/c.parquet", Answer(b"PAR1..PAR1"))

    text = f"{books}, {tmp_path}/b?.jsonl.gz {address}"
    metadata = run(IngestConfig(**settings | {"text": text, "dump": ""}))

    names = ["a.txt", "d.txt", "page.txt", "b1.jsonl.gz", "b2.jsonl.gz", "c.parquet"]
    described = json.loads((settings["text_files"] / "text.json").read_text())["files"]
    assert [file["name"] for file in described] == names
    for file in described:
        content = (settings["text_files"] / file["name"]).read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert described[-1]["source"] == address
    assert metadata["text_files"] == {"files": 6, "bytes": 54}
    assert json.loads((settings["dump_files"] / "dump.json").read_text())["files"] == []


def test_text_in_a_bucket_stays_there_if_told_so(settings, empty_s3, tmp_path):
    """text.json names it, with the version that was looked at and the store's checksums."""
    for name in ("d e/a.txt", "d e/b.jsonl"):
        empty_s3.put_object(Bucket="data", Key=name, Body=b"text")
    (tmp_path / "c.txt").write_text("Here.")
    text = f"s3://data/d%20e/*,{tmp_path / 'c.txt'}"

    metadata = run(IngestConfig(**settings | {"text": text}, use_object_store=True))

    assert sorted(os.listdir(settings["text_files"])) == ["c.txt", "text.json"]
    here, *left = json.loads((settings["text_files"] / "text.json").read_text())["files"]
    assert here["name"] == "c.txt"
    assert [one["address"] for one in left] == ["s3://data/d e/a.txt", "s3://data/d e/b.jsonl"]
    assert left[0]["checksums"]["md5"] == hashlib.md5(b"text").hexdigest()
    assert "etag" in left[0]["version"]
    assert metadata["text_files"] == {"files": 3, "bytes": 5}


def test_text_in_a_bucket_is_fetched_if_it_has_a_checksum(settings, empty_s3):
    """Only a copy can be verified."""
    empty_s3.put_object(Bucket="data", Key="a.txt", Body=b"text")
    right, wrong = (hashlib.sha256(text).hexdigest() for text in (b"text", b"other"))

    text = f"s3://data/a.txt#sha256={right}"
    run(IngestConfig(**settings | {"text": text}, use_object_store=True))
    assert (settings["text_files"] / "a.txt").read_bytes() == b"text"
    text = f"s3://data/a.txt#sha256={wrong}"
    with pytest.raises(InputError, match=f"expected {wrong}"):
        run(IngestConfig(**settings | {"text": text}, use_object_store=True))


@pytest.mark.parametrize("answer", [Answer(b"<!DOCTYPE html><p>Log in"), Answer(b"")])
def test_a_page_in_place_of_text_is_rejected(settings, server, answer):
    """A web server's error is no text; a file by that name may be."""
    address = server.serve("/c.txt", answer)

    with pytest.raises(InputError, match=r"an HTML page|the file is empty"):
        run(IngestConfig(**settings | {"text": address}))

    assert not settings["text_files"].exists()


def test_without_text_its_folder_need_not_be_named(settings, tmp_path):
    """As by a package of an earlier version, which has no such output."""
    metadata = run(IngestConfig(**settings | {"text_files": None}))

    assert list(metadata) == ["dump_files", "squad", "given_vocabulary"]
    assert "text_files" not in outputs(tmp_path)
    with pytest.raises(InputError, match="text_files is missing; give the folder"):
        run(IngestConfig(**settings | {"text_files": None, "text": "a.txt"}))


def test_two_texts_of_one_name_are_rejected(tmp_path, settings):
    """One would take the other's place."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(folder)

    with pytest.raises(InputError, match=r"the name x\.txt too; give each file of the text once"):
        run(IngestConfig(**settings | {"text": f"{tmp_path}/a,{tmp_path}/b"}))
