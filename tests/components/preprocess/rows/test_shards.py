import hashlib

from components.preprocess.rows.row_blocks import RowCounts
from components.preprocess.rows.shards import ShardSet, write_shard
from components.shared.dataset.tfrecords import frame_records, read_records


def test_rows_stand_as_they_come(tmp_path):
    """The file holds the parts in order, and its description matches it."""
    parts = [b"".join(frame_records(records)) for records in ([b"a", b"b"], [b"c"])]
    counts = RowCounts(num_rows=3, num_sequences=4, max_sequences=2, num_tokens=(11, 9))

    written = write_shard(str(tmp_path), "length-128/shard", parts, counts)

    path = tmp_path / "length-128" / "shard"
    assert list(read_records(path)) == [b"a", b"b", b"c"]
    assert written == {
        "file": "length-128/shard",
        "num_rows": 3,
        "num_bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "num_sequences": 4,
        "num_tokens": (11, 9),
        "max_sequences": 2,
    }


def test_second_try_leaves_one_file(tmp_path):
    """A runner may write a shard again after a failure."""
    for _ in range(2):
        write_shard(str(tmp_path), "shard", frame_records([b"a"]), RowCounts(num_rows=1))

    assert [path.name for path in tmp_path.iterdir()] == ["shard"]


def test_shard_without_rows_is_a_file(tmp_path):
    """A trainer that expects a file for each shard finds it."""
    written = write_shard(str(tmp_path), "shard", [], RowCounts())

    assert (written["num_rows"], written["max_sequences"]) == (0, 0)
    assert list(read_records(tmp_path / "shard")) == []


def test_names_tell_length_and_number():
    """As in TensorFlow's own files."""
    name = "length-128/shard-00003-of-00012.tfrecord"
    assert ShardSet(128).path(3, 12) == name
    assert ShardSet(128, is_held_out=True).path(3, 12) == f"held-out/{name}"
