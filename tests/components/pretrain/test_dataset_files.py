"""What a dataset may be, and what is refused before training starts."""

import gzip
import json
import shutil

import pytest

from components.pretrain.dataset_files import Shards, find_shards
from components.pretrain.rows import RowReader
from components.shared.dataset.examples import Example
from components.shared.dataset.google_records import Instance, encode_instance
from components.shared.dataset.packed_rows import PackedRow, encode_row
from components.shared.errors import InputError
from components.shared.tokens.vocabulary import Vocabulary
from tests.mutations import NUM_MUTATIONS, fuzz
from tests.records import write_records

LENGTH = 32
CLS, SEP = 2, 3


def find(dataset, vocabulary_path, *, length=LENGTH) -> Shards:
    return find_shards(dataset, length=length, vocabulary=Vocabulary.read(vocabulary_path))


@pytest.fixture
def copy(dataset_path, tmp_path):
    return shutil.copytree(dataset_path, tmp_path / "copy")


def make_record(**changes) -> bytes:
    """A sequence of 20 tokens in 32 places with 2 of 5 predictions used."""
    fields = {
        "input_ids": [CLS, *[10] * 9, SEP, *[11] * 8, SEP, *[0] * 12],
        "input_mask": [1] * 20 + [0] * 12,
        "segment_ids": [0] * 11 + [1] * 9 + [0] * 12,
        "masked_lm_positions": [3, 7, 0, 0, 0],
        "masked_lm_ids": [12, 13, 0, 0, 0],
        "masked_lm_weights": [1.0, 1.0, 0.0, 0.0, 0.0],
        "next_sentence_labels": [1],
    }
    return encode_instance(Instance(**(fields | changes)))


def write(path, records) -> None:
    write_records(path, records)


def test_a_folder_of_googles_files_needs_no_manifest(tmp_path, vocabulary_path):
    """Their records are counted; an empty file is left out; the vocabulary has no capitals."""
    write(tmp_path / "tf_examples.tfrecord-00000-of-00003", [make_record()] * 3)
    write(tmp_path / "tf_examples.tfrecord-00001-of-00003", [])
    write(tmp_path / "tf_examples.tfrecord-00002-of-00003", [make_record()] * 2)

    shards = find(tmp_path, vocabulary_path)

    assert [path.name[-14:] for path in shards.paths] == ["00000-of-00003", "00002-of-00003"]
    assert (shards.sizes, shards.is_packed, shards.lowercase) == ([3, 2], False, True)
    shards.check()


def test_a_single_file_is_a_dataset_and_gzip_is_unpacked(tmp_path, vocabulary_path):
    """Told by its first bytes, whatever its name is."""
    plain = tmp_path / "plain.tfrecord"
    write(plain, [make_record()] * 4)
    packed = tmp_path / "data.tf_record"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert find(packed, vocabulary_path).sizes == [4]


def test_model_gardens_names_are_read_too(tmp_path, vocabulary_path):
    """input_word_ids and input_type_ids."""
    example = Example.FromString(make_record())
    feature = example.features.feature
    for old, new in (("input_ids", "input_word_ids"), ("segment_ids", "input_type_ids")):
        feature[new].CopyFrom(feature[old])
        del feature[old]
    write(tmp_path / "a.tfrecord", [example.SerializeToString()])

    assert find(tmp_path, vocabulary_path).sizes == [1]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (make_record(input_ids=[CLS] * 64, input_mask=[1] * 64, segment_ids=[0] * 64),
         "hold 64 tokens, sequence_length is 32"),
        (make_record(input_ids=[9] * 32), "begins with id 9, .CLS. is 2 in the vocabulary"),
        (make_record(masked_lm_ids=[64, 1, 0, 0, 0]), "must be 0 to 63, got 64; .* has 64 pieces"),
        (make_record(input_mask=[1] * 30), "32 input_ids and 30 input_mask"),
        (b"no example at all", "is not a tf.train.Example; give TFRecord files of create_pretr"),
        (encode_row(PackedRow([2, 9, 3], [3], [3], [0])),
         "has no input_ids, only first_segment_lengths, .*dataset of the preprocess stage"),
    ],
    ids=["length", "vocabulary", "id", "lengths", "garbage", "packed"],
)  # fmt: skip
def test_records_that_cannot_be_trained_on_are_rejected_at_once(
    tmp_path, vocabulary_path, record, message
):
    """By the first of a file, with the file's name."""
    write(tmp_path / "a.tfrecord", [record])

    with pytest.raises(InputError, match=f"a.tfrecord: .*{message}"):
        find(tmp_path, vocabulary_path)


def test_a_file_that_is_cut_short_is_rejected_at_once(tmp_path, vocabulary_path):
    """Also without a manifest, and also where it is compressed."""
    path = tmp_path / "a.tfrecord"
    write(path, [make_record()] * 2)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    (tmp_path / "zipped").mkdir()
    (tmp_path / "zipped" / "b.tfrecord.gz").write_bytes(gzip.compress(content)[:-9])

    with pytest.raises(InputError, match="a.tfrecord: the record at byte .* is cut short"):
        find(tmp_path, vocabulary_path)
    with pytest.raises(InputError, match="b.tfrecord.gz: broken gzip file"):
        find(tmp_path / "zipped", vocabulary_path)


def test_an_altered_shard_is_found(copy, vocabulary_path):
    """A changed byte, before any training."""
    path = copy / "shard-00001-of-00002.tfrecord"
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"shard-00001-of-00002\.tfrecord: altered or cut short"):
        find(copy, vocabulary_path).check()


def test_a_missing_shard_is_found(copy, vocabulary_path):
    """Named, with the remedy."""
    (copy / "shard-00000-of-00002.tfrecord").unlink()

    with pytest.raises(InputError, match=r"shard-00000.*missing; run the preprocess stage again"):
        find(copy, vocabulary_path).check()


def test_another_length_is_rejected(dataset_path, vocabulary_path):
    """The message names the lengths there are."""
    with pytest.raises(InputError, match="no rows of length 512, only of 32"):
        find(dataset_path, vocabulary_path, length=512)


def test_another_vocabulary_is_rejected(dataset_path, vocabulary_path, tmp_path):
    """Its ids would mean other words."""
    other = tmp_path / "vocab.txt"
    other.write_text(vocabulary_path.read_text("utf-8") + "more\n", encoding="utf-8")

    with pytest.raises(InputError, match="made with another vocabulary"):
        find(dataset_path, other)


def test_a_dataset_of_another_format_is_rejected(copy, vocabulary_path):
    """A later release may write otherwise."""
    manifest = json.loads((copy / "dataset.json").read_text("utf-8"))
    (copy / "dataset.json").write_text(json.dumps({**manifest, "format_version": 99}), "utf-8")

    with pytest.raises(InputError, match="format_version 99, written by an unnamed release"):
        find(copy, vocabulary_path)


def test_a_damaged_dataset_json_is_rejected_in_one_line(copy, vocabulary_path):
    """2,000 times; whatever is accepted has the right types."""
    vocabulary = Vocabulary.read(vocabulary_path)
    path = copy / "dataset.json"

    def read(content):
        path.write_bytes(content)
        return find_shards(copy, length=LENGTH, vocabulary=vocabulary)

    messages = fuzz(path.read_bytes(), read, Shards)

    assert len(messages) > NUM_MUTATIONS / 3
    assert all(message.startswith(str(path)) for message in messages)


def test_fewer_records_than_dataset_json_says_are_an_error(copy, vocabulary_path):
    """Not one of an index, in the middle of the training."""
    path = copy / "dataset.json"
    manifest = json.loads(path.read_text())
    manifest["lengths"][str(LENGTH)]["shards"][0]["num_rows"] += 5
    path.write_text(json.dumps(manifest))
    reader = RowReader(find(copy, vocabulary_path), seed=1)

    with pytest.raises(InputError, match="holds 60 records, 65 by its dataset.json"):
        [reader.read(position) for position in range(reader.num_rows)]


def name_first_shard(dataset, file: str) -> None:
    manifest = json.loads((dataset / "dataset.json").read_text("utf-8"))
    manifest["lengths"][str(LENGTH)]["shards"][0]["file"] = file
    (dataset / "dataset.json").write_text(json.dumps(manifest), "utf-8")


def test_a_shard_may_lie_in_a_subfolder_of_the_dataset(copy, vocabulary_path):
    """The preprocess stage has one for each length."""
    shard = find(copy, vocabulary_path).paths[0]
    (copy / "deep").mkdir()
    shard.rename(copy / "deep" / shard.name)
    name_first_shard(copy, f"deep/{shard.name}")

    assert find(copy, vocabulary_path).paths[0] == copy / "deep" / shard.name


@pytest.mark.parametrize("file", ["/etc/passwd", "../shard"])
def test_a_shard_outside_the_dataset_is_rejected(copy, vocabulary_path, file):
    """A dataset is read whole or not at all."""
    name_first_shard(copy, file)

    with pytest.raises(InputError, match="file must be a path within the dataset's folder"):
        find(copy, vocabulary_path)
