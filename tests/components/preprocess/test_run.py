"""The preprocess stage as a whole."""

import bz2
import json
import subprocess
import sys

import pytest

from components.preprocess.config import PreprocessConfig
from components.preprocess.run import run
from components.shared.dataset.folder import read_manifest
from components.shared.errors import InputError
from components.shared.tokens.vocabulary import Vocabulary
from tests.components.preprocess.outputs import read_files, read_rows

PROCESSES = "--direct_running_mode=multi_processing --direct_num_workers=2"


def test_dataset_holds_the_rows_that_its_manifest_tells_of(make_config, write_dump, make_article):
    """Counts, fill and names of dataset.json are those of the files."""
    write_dump(*(make_article(page) for page in range(1, 21)))
    config = make_config()

    run(config)

    manifest = read_manifest(config.dataset)
    for length, described in manifest["lengths"].items():
        rows = read_rows(config.dataset, length)
        num_tokens = sum(len(row.token_ids) for row in rows)
        assert described["num_rows"] == len(rows) > 10
        assert described["num_tokens"] == num_tokens
        assert described["num_sequences"] == sum(len(row.sequence_lengths) for row in rows)
        assert described["max_sequences"] == max(len(row.sequence_lengths) for row in rows)
        assert described["fill"] == pytest.approx(num_tokens / len(rows) / int(length), abs=1e-6)
        assert [shard["file"] for shard in described["shards"]] == [
            f"length-{length}/shard-0000{number}-of-00002.tfrecord" for number in range(2)
        ]
    assert manifest["documents"] == {"kept": 20}
    assert manifest["configuration"]["seed"] == 12345
    assert manifest["vocabulary"]["sha256"] == Vocabulary.read(config.vocabulary).sha256


def test_rows_hold_whole_sequences_of_the_articles(
    make_config, write_dump, make_article, vocabulary
):
    """Each sequence is [CLS] A [SEP] B [SEP], of words that the articles have."""
    write_dump(*(make_article(page) for page in range(1, 21)))
    config = make_config()

    run(config)

    for row in read_rows(config.dataset, "64"):
        assert len(row.token_ids) <= 64
        start = 0
        for length, first in zip(row.sequence_lengths, row.first_segment_lengths, strict=True):
            sequence = list(row.token_ids[start : start + length])
            assert sequence[0] == vocabulary.cls_id
            assert [place for place, id_ in enumerate(sequence) if id_ == vocabulary.sep_id] == [
                first - 1,
                length - 1,
            ]
            start += length
        assert start == len(row.token_ids)
        assert vocabulary.unk_id not in row.token_ids


def test_what_is_left_out_is_counted_by_reason(make_config, write_dump, make_article, make_page):
    """Each page is kept or counted; a broken one takes no other with it."""
    write_dump(
        make_article(1),
        make_page(2, "#REDIRECT [[Page 1]]", extra='<redirect title="Page 1" />'),
        make_page(3, "Talk.", namespace=1),
        make_page(4, "May be: {{disambiguation}}"),
        make_page(5, "Never closed").replace("</text>", ""),
        make_page(6, "{{Infobox}}\n[[Kategorie:Nothing]]"),
        make_article(1).replace("<id>1</id>", "<id>7</id>"),
        make_article(8),
    )
    config = make_config()

    run(config)

    assert read_manifest(config.dataset)["documents"] == {
        "broken": 1,
        "disambiguation": 1,
        "duplicate": 1,
        "kept": 2,
        "no text": 1,
        "not an article": 1,
        "redirect": 1,
    }


def test_bytes_do_not_depend_on_files_and_streams(
    make_config, write_dump, make_article, dump_folder
):
    """The same pages in one stream or in many give the same shards."""
    pages = [make_article(page) for page in range(1, 31)]
    write_dump(*pages)
    run(make_config("one"))
    write_dump(*pages, num_streams=10)
    many = make_config("many")
    run(many)

    one = make_config("one")
    assert read_files(one.dataset) == read_files(many.dataset)


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_workers(make_config, write_dump, make_article):
    """One process and two give the same dataset, and so does another run."""
    write_dump(*(make_article(page) for page in range(1, 31)), num_streams=5)
    configs = [
        make_config("one"),
        make_config("again"),
        make_config("two", beam_options=PROCESSES, num_workers=2),
    ]

    for config in configs:
        run(config)

    files = [read_files(config.dataset) for config in configs]
    assert files[0] == files[1] == files[2]
    assert len(files[0]) == 7  # two shards and one held out for each length, and dataset.json


def test_another_seed_gives_other_rows(make_config, write_dump, make_article):
    """Chance comes from the seed alone."""
    write_dump(*(make_article(page) for page in range(1, 21)))
    one, other = make_config("one"), make_config("other", seed=1)

    run(one)
    run(other)

    assert read_files(one.dataset) != read_files(other.dataset)


def test_shards_are_written_as_many_as_asked_for(make_config, write_dump, make_article):
    """More shards than rows leave some empty, and all there."""
    write_dump(make_article(1, 3), make_article(2, 3))
    config = make_config(num_shards=50)

    run(config)

    assert len(list((config.dataset / "length-64").iterdir())) == 50
    assert len(read_manifest(config.dataset)["lengths"]["64"]["shards"]) == 50


def test_vocabulary_is_trained_where_none_is_given(make_config, write_dump, make_article, tmp_path):
    """An empty file stands for none; what is trained is written and used."""
    write_dump(*(make_article(page) for page in range(1, 21)))
    (tmp_path / "empty.txt").touch()
    config = make_config(given_vocabulary=tmp_path / "empty.txt", vocabulary_size=150)

    run(config)

    vocabulary = Vocabulary.read(config.vocabulary)
    assert read_manifest(config.dataset)["vocabulary"] == {
        "sha256": vocabulary.sha256,
        "size": len(vocabulary),
    }
    assert {"the", "cat", "."} <= set(vocabulary.pieces)
    assert len(vocabulary) <= 150


def test_punkt_splits_as_the_dump_has_taught_it(make_config, write_dump, make_article, make_page):
    """The other splitter gives other rows, and the same each time."""
    text = "He met Dr. Cat by the mat. The dogs saw Dr. Red. A cat sat on the red mat. "
    write_dump(make_page(100, text * 30), *(make_article(page) for page in range(1, 6)))
    configs = [
        make_config(name, sentence_splitter=splitter)
        for name, splitter in (("one", "punkt"), ("again", "punkt"), ("rules", "sentencex"))
    ]

    for config in configs:
        run(config)

    assert read_files(configs[0].dataset) == read_files(configs[1].dataset)
    manifest = read_manifest(configs[0].dataset)
    assert manifest["configuration"]["sentence_splitter"] == "punkt"
    assert manifest["documents"] == read_manifest(configs[2].dataset)["documents"]


def test_manifest_of_the_dump_goes_along(make_config, write_dump, make_article, dump_folder):
    """Where the dump came from stands in dataset.json."""
    write_dump(make_article(1), make_article(2))
    (dump_folder / "dump.json").write_text(json.dumps({"date": "2026-10-01"}))
    config = make_config()

    run(config)

    assert read_manifest(config.dataset)["corpora"]["dump"]["source"] == {"date": "2026-10-01"}


def test_metadata_is_made_of_scalars(make_config, write_dump, make_article):
    """Kubeflow shows how many rows there are and how full."""
    write_dump(make_article(1), make_article(2))

    metadata = run(make_config())

    assert metadata["dataset"]["num_documents"] == 2
    assert 0.5 < metadata["dataset"]["fill_16"] <= 1
    assert set(metadata) == {"dataset", "vocabulary"}


def test_rerun_replaces_what_a_killed_run_left(make_config, write_dump, make_article):
    """A folder without dataset.json is replaced, not added to."""
    write_dump(make_article(1), make_article(2))
    config = make_config()
    (config.dataset / "length-16").mkdir(parents=True)
    (config.dataset / "length-16" / "shard-00000-of-00009.tfrecord").write_text("half")

    run(config)

    assert len(list((config.dataset / "length-16").iterdir())) == 2


@pytest.mark.parametrize("processes", ["", pytest.param(PROCESSES, marks=pytest.mark.slow)])
def test_cut_dump_is_named_alone_and_leaves_nothing(
    make_config, write_dump, make_article, tmp_path, capfd, processes
):
    """The user sees the file, the place and the remedy, and no dataset."""
    path = write_dump(*(make_article(page) for page in range(1, 40)), num_streams=4)
    path.write_bytes(path.read_bytes()[:-100])
    config = make_config(beam_options=processes)

    with pytest.raises(InputError) as error:
        run(config)

    message = str(error.value)
    assert message.startswith(f"{path}: cut short in the bz2 stream that starts at byte ")
    assert message.endswith("; fetch it again")
    assert "Traceback" not in capfd.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_dump_without_an_article_is_rejected(make_config, write_dump, make_page, tmp_path):
    """Redirects alone teach nothing: their number is told."""
    write_dump(make_page(1, "#REDIRECT [[A]]"), make_page(2, "#REDIRECT [[B]]"))

    with pytest.raises(InputError, match=r"no article to learn from \(2 redirect\)"):
        run(make_config())

    assert list((tmp_path / "out").iterdir()) == []


def test_dump_without_a_page_is_rejected(make_config, write_dump):
    """An export of nothing is named as such."""
    write_dump()

    with pytest.raises(InputError, match="no article at all"):
        run(make_config())


def test_command_line_shows_the_message_alone(make_config, dump_folder, vocabulary_file, tmp_path):
    """A wrong dump ends the command with one line and status 2."""
    (dump_folder / "dump.xml.bz2").write_bytes(bz2.compress(b"<html>"))
    arguments = {
        "--dump-files": dump_folder,
        "--given-vocabulary": vocabulary_file,
        "--dataset": tmp_path / "dataset",
        "--vocabulary": tmp_path / "vocab.txt",
    }

    ended = subprocess.run(
        [sys.executable, "-m", "components.preprocess", *sum(arguments.items(), ())],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("preprocess: error: ")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.slow
def test_real_articles_fill_their_rows(make_config, real_data, dump_folder):
    """Packed rows of the English Wikipedia hold hardly any padding."""
    content = (real_data / "enwiki-excerpt.xml.bz2").read_bytes()
    (dump_folder / "enwiki-excerpt.xml.bz2").write_bytes(content)
    # With few passes over few articles, one short pass can leave 1% of the room empty.
    config = make_config(
        given_vocabulary=real_data / "uncased-vocab.txt",
        sequence_lengths="128,512",
        num_duplicates=10,
    )

    run(config)

    manifest = read_manifest(config.dataset)
    assert manifest["documents"] == {
        "disambiguation": 8,
        "kept": 98,
        "not an article": 1,
        "redirect": 99,
    }
    assert all(described["fill"] > 0.98 for described in manifest["lengths"].values())
    assert 0.4 < random_share(config.dataset) < 0.6


def random_share(dataset):
    labels = [label for row in read_rows(dataset, "128") for label in row.next_sentence_labels]
    return sum(labels) / len(labels)


def test_a_dump_without_a_page_is_rejected_where_a_vocabulary_is_trained(tmp_path):
    """There is no word to count then."""
    dump = tmp_path / "dump"
    dump.mkdir()
    (dump / "empty.xml").write_text('<mediawiki version="0.11">\n</mediawiki>\n', encoding="utf-8")
    config = PreprocessConfig(
        dump_files=dump, dataset=tmp_path / "dataset", vocabulary=tmp_path / "vocab.txt"
    )

    with pytest.raises(InputError, match="no article to learn from"):
        run(config)

    assert not (tmp_path / "dataset").exists()


@pytest.mark.parametrize("num_workers", [1, 2])
def test_full_disk_is_told_in_a_line(
    make_config, write_dump, make_article, small_disk, num_workers, capfd
):
    """Of a step that a worker runs, too; nothing is left there."""
    write_dump(*(make_article(page) for page in range(1, 601)))
    options = "--direct_running_mode=multi_processing --direct_num_workers=2"
    config = make_config(
        dataset=small_disk / "dataset", beam_options=options if num_workers > 1 else ""
    )

    with pytest.raises(InputError, match=rf"^{small_disk}/.*: No space left on device; free some"):
        run(config)

    assert not list(small_disk.iterdir())
    assert "Traceback" not in capfd.readouterr().err


def test_output_that_can_not_be_written_is_told_before_the_work(
    make_config, write_dump, make_article, tmp_path
):
    """Not after hours of it."""
    write_dump(make_article(1))
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match="file is not a folder; give the output another path"):
        run(make_config(vocabulary=tmp_path / "file" / "vocab.txt"))
