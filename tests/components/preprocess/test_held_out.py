"""Documents that are held out of training."""

from functools import partial

import pytest

from components.preprocess.run import run
from components.shared.dataset.folder import read_manifest
from components.shared.dataset.google_records import decode_instance
from components.shared.dataset.packed_rows import decode_row
from components.shared.dataset.tfrecords import read_records
from components.shared.errors import InputError
from tests.components.preprocess.text_samples import make_texts


@pytest.fixture
def make_config(make_config, tmp_path):
    (tmp_path / "text").mkdir()
    # Words of each text are all its own, so that a row tells which texts it holds.
    texts = [text.replace("cat", f"cat{number}") for number, text in enumerate(make_texts(300))]
    (tmp_path / "text" / "a.txt").write_text("\n\n".join([*texts, texts[0]]))
    return partial(
        make_config, dump_files=None, text_files=tmp_path / "text", held_out_rate=0.1, num_workers=0
    )


def read_rows(config, lengths, length="64"):
    for shard in lengths[length]["shards"]:
        yield from read_records(config.dataset / shard["file"])


def read_texts(config, lengths):
    """The sequences, as tuples of ids without the special ones, cut in windows of twelve."""
    windows = set()
    for record in read_rows(config, lengths):
        ids = [id_ for id_ in decode_row(record).token_ids if id_ > 4]
        windows |= {tuple(ids[start : start + 12]) for start in range(len(ids) - 11)}
    return windows


def test_held_out_documents_are_in_no_training_row(make_config):
    """Nor as a random next sentence; both parts are described, and the counts add up."""
    config, whole = make_config(), make_config("whole", held_out_rate=0)

    run(config)
    run(whole)

    manifest = read_manifest(config.dataset)
    documents = manifest["documents"]
    assert documents["kept"] + documents["held out"] == 300
    assert documents["duplicate"] == 1
    assert 15 <= documents["held out"] <= 45
    assert list(manifest["held_out"]) == ["16", "64"]
    for length, described in manifest["held_out"].items():
        (shard,) = described["shards"]
        assert shard["file"] == f"held-out/length-{length}/shard-00000-of-00001.tfrecord"
        assert shard["num_rows"] == described["num_rows"] > 5
    trained = read_texts(config, manifest["lengths"])
    held_out = read_texts(config, manifest["held_out"])
    everything = read_texts(whole, read_manifest(whole.dataset)["lengths"])
    assert held_out
    # Sentences are random words of thirteen: what the two share is chance.
    assert len(trained & held_out) < 0.01 * len(held_out)
    assert read_manifest(whole.dataset)["held_out"] == {}
    assert len(everything) > len(trained)


def test_the_same_documents_are_held_out_with_another_seed(make_config):
    """Runs that differ in the seed can be compared."""
    configs = [make_config("one"), make_config("two", seed=2)]

    for config in configs:
        run(config)

    counts = [read_manifest(config.dataset)["documents"] for config in configs]
    assert counts[0] == counts[1]


def test_googles_records_are_held_out_as_well(make_config):
    """Masked once, as the others."""
    config = make_config(format="google", max_predictions="2,8")

    run(config)

    manifest = read_manifest(config.dataset)
    records = list(read_rows(config, manifest["held_out"]))
    assert len(records) == manifest["held_out"]["64"]["num_rows"] > 5
    assert manifest["held_out"]["64"]["max_predictions"] == 8
    assert all(
        len(decode_instance(record, source="a record").input_ids) == 64 for record in records
    )


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_wrong_rate_is_rejected(make_config, rate):
    """Something must be left to train on."""
    with pytest.raises(InputError, match="held_out_rate must be 0 or more and below 1"):
        make_config(held_out_rate=rate)
