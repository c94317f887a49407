"""Whether a dump is newer than the one trained on last: by name, in a store, on web or disk."""

import os

import pytest

from components.shared.errors import InputError
from components.shared.storage.transfers import open_bucket
from tests.components.ingest.dump.test_site import INDEX, make_status, serve_status
from tests.components.ingest.look.looker import Looker
from tests.components.ingest.misbehaving_server import Answer, Server


@pytest.fixture
def site(server: Server) -> str:
    server.serve("/testwiki/", Answer(INDEX.encode()))
    serve_status(server, "20261001", make_status("20261001", status="in-progress"))
    serve_status(server, "20260901", make_status("20260901"))
    return server.serve("", Answer())


def test_a_dump_is_new_until_it_is_noted(tmp_path, place, site):
    """A look alone notes nothing: a run that failed is followed by another."""
    looker = Looker(tmp_path, "testwiki-latest", place, site)

    looks = [looker.look(), looker.look()]
    looker.note()
    looks.append(looker.look())

    assert looks == [(True, "testwiki-20260901")] * 2 + [(False, "testwiki-20260901")]


def test_the_next_finished_dump_is_new(tmp_path, server, site):
    """By its date, so that the run that follows takes this one and no later one."""
    looker = Looker(tmp_path, "testwiki-latest", str(tmp_path / "last.json"), site)
    looker.look()
    looker.note()
    serve_status(server, "20261001", make_status("20261001", content=b"more"))

    assert looker.look() == (True, "testwiki-20261001")


def test_each_dump_has_its_checkpoints(tmp_path, server, site):
    """The same ones until it is another."""
    looker = Looker(tmp_path, "testwiki-latest", str(tmp_path / "last.json"), site)
    folders = []
    for content in (b"one", b"one", b"two"):
        serve_status(server, "20261001", make_status("20261001", content=content))
        looker.look()
        folders.append((tmp_path / "dump_checkpoints").read_text())

    assert folders[0] == folders[1] != folders[2]
    assert folders[0].startswith("s3://bucket/checkpoints/data-")


def test_a_file_in_a_store_is_new_when_it_was_replaced(tmp_path, stores):
    """Files that a pattern matches: also when one came."""
    (tmp_path / "x").write_bytes(b"x")
    bucket = open_bucket("s3://data/dumps")
    bucket.upload(tmp_path / "x", "a.xml")
    looker = Looker(tmp_path, "s3://data/dumps/*.xml", str(tmp_path / "last.json"))
    looks = []
    for name, content in (("a.xml", b"x"), ("a.xml", b"y"), ("b.xml", b"y")):
        (tmp_path / "x").write_bytes(content)
        bucket.upload(tmp_path / "x", name)
        looks.append(looker.look()[0])
        looker.note()
        looks.append(looker.look()[0])

    assert looks == [True, False] * 3


def test_a_file_on_the_web_is_new_by_its_headers(tmp_path, server):
    """Its ETag here; its bytes are not fetched."""
    address = server.serve("/a.xml", Answer(b"one"))
    looker = Looker(tmp_path, address, str(tmp_path / "last.json"))
    looker.look()
    looker.note()
    again = looker.look()
    server.serve("/a.xml", Answer(b"two"))

    assert (again, looker.look()) == ((False, address), (True, address))


def test_a_file_on_disk_is_new_when_it_was_written(tmp_path):
    """By its size and time."""
    path = tmp_path / "a.xml"
    path.write_bytes(b"one")
    looker = Looker(tmp_path, str(path), str(tmp_path / "last.json"))
    looker.look()
    looker.note()
    again = looker.look()
    os.utime(path, ns=(1, 1))

    assert (again[0], looker.look()[0]) == (False, True)


@pytest.mark.parametrize(
    ("status", "said"), [(404, "a.xml: the server answers 404"), (500, "answers 500")]
)
def test_a_file_that_is_not_there_is_told(tmp_path, server, status, said):
    """Nothing is written: the run does not go on."""
    address = server.serve("/a.xml", Answer(status=status))

    with pytest.raises(InputError, match=said):
        Looker(tmp_path, address, str(tmp_path / "last.json")).look()

    assert list(tmp_path.iterdir()) == []
