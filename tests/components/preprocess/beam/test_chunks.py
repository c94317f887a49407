import random

import pytest

from components.preprocess.beam import chunks
from components.preprocess.beam.chunk_files import ChunkFile
from components.preprocess.beam.chunks import (
    Gatherer,
    compress,
    decompress,
    merge_chunks,
    write_items,
)


@pytest.fixture(params=["in files", "in themselves"])
def folder(request, tmp_path):
    """Where chunks go: a folder or, as None, nowhere."""
    return tmp_path if request.param == "in files" else None


def gather(folder, receiver_items, *, hand_on_after):
    gatherer = Gatherer(folder)
    handed_on = []
    for number, (receiver, item) in enumerate(receiver_items, start=1):
        gatherer.add(receiver, item, 1)
        if number % hand_on_after == 0:
            handed_on += gatherer.hand_on()
    return [*handed_on, *gatherer.finish()]


def test_receiver_gets_its_items_in_order(folder):
    """Whatever came when and in which chunk, items are merged by their own order."""
    items = [(number % 3, (number, f"item {number}")) for number in range(1000)]
    random.Random(1).shuffle(items)

    handed_on = gather(folder, items, hand_on_after=70)

    for receiver in range(3):
        mine = [chunk for name, chunk in handed_on if name == receiver]
        assert len(mine) > 10
        expected = [(number, f"item {number}") for number in range(receiver, 1000, 3)]
        assert list(merge_chunks(mine)) == list(merge_chunks(reversed(mine))) == expected


def test_places_alone_travel_where_there_is_a_folder(tmp_path):
    """A chunk in a file is small for the runner, however much it holds."""
    [(_, chunk)] = gather(tmp_path, [("a", (1, b"x" * 100_000))], hand_on_after=9)

    assert len(chunk) < 500
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 100_000


def test_each_bundle_writes_a_file_of_its_own(tmp_path):
    """A bundle that is tried again can't touch what the first try wrote."""
    first = gather(tmp_path, [("a", (1,))], hand_on_after=9)
    second = gather(tmp_path, [("a", (1,))], hand_on_after=9)

    assert len(list(tmp_path.iterdir())) == 2
    assert list(merge_chunks([first[0][1]])) == list(merge_chunks([second[0][1]])) == [(1,)]


def test_gatherer_is_full_after_some_bytes(monkeypatch):
    """What a step gathers is bounded, and handing on empties it."""
    monkeypatch.setattr(chunks, "MAX_GATHERED_BYTES", 10)
    gatherer = Gatherer(None)

    gatherer.add("a", (1,), 9)
    assert not gatherer.is_full()
    gatherer.add("a", (2,), 1)
    assert gatherer.is_full()
    assert len(list(gatherer.hand_on())) == 1
    assert not gatherer.is_full()
    assert list(gatherer.hand_on()) == []


def test_many_chunks_of_large_items_are_merged(tmp_path):
    """Items longer than a read buffer, and more chunks than a process may open files."""
    items = [("a", (number, bytes([number % 256]) * 20_000)) for number in range(1500)]

    handed_on = gather(tmp_path, items, hand_on_after=1)

    assert len(handed_on) == 1500
    assert list(merge_chunks(chunk for _, chunk in handed_on)) == [item for _, item in items]


def test_empty_chunk_holds_nothing():
    """It names a receiver that gets no item."""
    assert list(merge_chunks([write_items(ChunkFile(None), [])])) == []


def test_compressed_item_comes_back():
    """Pages take less disk on their way."""
    item = {"pages": [b"<page>" * 1000]}

    assert decompress(compress(item)) == item
    assert len(compress(item)) < 1000
