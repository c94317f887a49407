import os
import random

import numpy as np
import pytest

from components.preprocess.beam import row_chunks
from components.preprocess.beam.row_chunks import RowChunks, RowGatherer, make_empty_chunk
from components.preprocess.rows.row_blocks import RowBlock, RowCounts
from components.preprocess.rows.shards import ShardSet
from components.shared.dataset.tfrecords import frame_records, read_records

SHORT, LONG = ShardSet(128), ShardSet(512)
NUM_SHARDS = {SHORT: 3, LONG: 1}


@pytest.fixture(params=["in files", "in themselves"])
def folder(request, tmp_path):
    """Where chunks go: a folder or, as None, nowhere."""
    return tmp_path / "chunks" if request.param == "in files" else None


def make_block(*order_to_record, num_sequences=(1,), num_tokens=(5, 0)):
    orders, records = zip(*order_to_record, strict=True)
    framed = [b"".join(frame_records([record])) for record in records]
    return RowBlock(
        orders=np.array(orders, dtype=np.uint64),
        data=np.frombuffer(b"".join(framed), np.uint8),
        sizes=np.array(list(map(len, framed))),
        num_sequences=np.resize(num_sequences, len(records)),
        num_tokens=np.full((len(records), 2), num_tokens),
    )


def gather(folder, *blocks, shards=SHORT, hand_on_after=1):
    """The chunks of each shard."""
    if folder is not None:
        folder.mkdir(exist_ok=True)
    gatherer = RowGatherer(folder, NUM_SHARDS)
    handed_on = []
    for number, block in enumerate(blocks, start=1):
        gatherer.add(shards, block)
        if number % hand_on_after == 0:
            handed_on += gatherer.hand_on()
    key_to_chunks = {}
    for key, chunk in [*handed_on, *gatherer.finish()]:
        key_to_chunks.setdefault(key, []).append(chunk)
    return key_to_chunks


def read(chunks, tmp_path):
    path = tmp_path / "shard"
    path.write_bytes(b"".join(RowChunks(chunks).merge()))
    return list(read_records(path))


@pytest.mark.parametrize("read_bytes", [100, 8 << 20])
def test_shard_gets_its_rows_in_order(folder, tmp_path, monkeypatch, read_bytes):
    """The order depends neither on the chunks nor on how much is read at once."""
    monkeypatch.setattr(row_chunks, "_READ_BYTES", read_bytes)
    monkeypatch.setattr(row_chunks, "_MIN_READ_BYTES", 1)
    rng = random.Random(1)
    rows = [(rng.getrandbits(64), f"row {number}".encode() * (number % 5)) for number in range(999)]
    blocks = [make_block(*rows[start : start + 37]) for start in range(0, len(rows), 37)]

    key_to_chunks = gather(folder, *blocks, hand_on_after=3)

    assert sorted(key_to_chunks) == [(128, False, shard) for shard in range(3)]
    for (*_, shard), chunks in key_to_chunks.items():
        expected = [record for order, record in sorted(rows) if order % 3 == shard]
        assert len(chunks) == 9
        assert read(chunks, tmp_path) == read(chunks[::-1], tmp_path) == expected
        assert (len(list(RowChunks(chunks).merge())) > 50) == (read_bytes == 100)


def test_sets_of_shards_stay_apart(tmp_path):
    """Each length has its own number of shards."""
    gatherer = RowGatherer(None, NUM_SHARDS)
    gatherer.add(SHORT, make_block((4, b"short")))
    gatherer.add(LONG, make_block((4, b"long")))

    handed_on = dict(gatherer.finish())

    assert read([handed_on[128, False, 1]], tmp_path) == [b"short"]
    assert read([handed_on[512, False, 0]], tmp_path) == [b"long"]


def test_rows_of_one_order_stand_by_their_records(tmp_path):
    """If two rows have the same order, it doesn't matter which chunk comes first."""
    blocks = make_block((6, b"b"), (3, b"z")), make_block((6, b"a"))

    [chunks] = gather(None, *blocks).values()

    assert read(chunks, tmp_path) == read(chunks[::-1], tmp_path) == [b"z", b"a", b"b"]


def test_rows_are_counted_without_reading_them(folder):
    """The sums over all chunks, and the most sequences of a row in any."""
    blocks = [
        make_block((3, b"a"), (6, b"b"), num_sequences=[1, 3], num_tokens=(5, 1)),
        make_block((9, b"c"), num_sequences=[2], num_tokens=(0, 7)),
    ]

    [chunks] = gather(folder, *blocks).values()

    assert len(chunks) == 2
    assert RowChunks([*chunks, make_empty_chunk()]).count() == RowCounts(
        num_rows=3, num_sequences=6, max_sequences=3, num_tokens=(10, 9)
    )


def test_a_disk_may_give_fewer_bytes_at_once(tmp_path, monkeypatch):
    """A network file system may return fewer bytes than asked for."""
    [[chunk]] = gather(tmp_path / "chunks", make_block((3, b"x" * 100), (6, b"y" * 50))).values()
    preadv = os.preadv

    def read_little(descriptor, buffers, offset):
        return preadv(descriptor, [memoryview(buffers[0])[:7]], offset)

    monkeypatch.setattr(os, "preadv", read_little)

    assert read([chunk], tmp_path) == [b"x" * 100, b"y" * 50]


def test_chunks_of_a_file_share_its_descriptor(tmp_path):
    """A shard may have more chunks than a process may open files."""
    blocks = [make_block((3, b"x" * 100)), make_block((6, b"y" * 100))]
    [chunks] = gather(tmp_path / "chunks", *blocks).values()
    num_open = len(os.listdir("/proc/self/fd"))

    merging = RowChunks(chunks).merge()
    next(merging)

    assert len(chunks) == 2
    assert len(os.listdir("/proc/self/fd")) == num_open + 1


def test_places_alone_travel_where_there_is_a_folder(tmp_path):
    """A chunk in a file is small for the runner, however much it holds."""
    [[chunk]] = gather(tmp_path, make_block((3, b"x" * 100_000))).values()

    assert len(chunk) < 1000
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 100_000


def test_each_bundle_writes_a_file_of_its_own(tmp_path):
    """A bundle that is tried again can't touch what the first try wrote."""
    for _ in range(2):
        gather(tmp_path, make_block((3, b"a")))

    assert len(list(tmp_path.iterdir())) == 2


def test_gatherer_is_full_after_some_bytes(monkeypatch):
    """What a step gathers is bounded, and handing on empties it."""
    monkeypatch.setattr(row_chunks, "MAX_GATHERED_BYTES", 30)
    gatherer = RowGatherer(None, NUM_SHARDS)

    gatherer.add(SHORT, make_block((1, b"x" * 13)))
    assert not gatherer.is_full()
    gatherer.add(SHORT, make_block((4, b"x")))
    assert gatherer.is_full()
    assert len(list(gatherer.hand_on())) == 1
    assert not gatherer.is_full()
    assert list(gatherer.hand_on()) == []


def test_empty_chunk_holds_nothing():
    """It names a shard that gets no row."""
    chunks = RowChunks([make_empty_chunk()])

    assert b"".join(chunks.merge()) == b""
    assert chunks.count() == RowCounts()


def test_chunk_that_is_cut_short_is_an_error(tmp_path):
    """A file that another program has shortened gives no shard with fewer rows."""
    [[chunk]] = gather(tmp_path, make_block((3, b"x" * 100))).values()
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(OSError, match=r"a chunk of rows lacks 1 byte\(s\)"):
        list(RowChunks([chunk]).merge())
