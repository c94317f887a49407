"""The stage on text of a user's own, with a dump or without one."""

import json
from functools import partial

import pytest

from components.preprocess.run import run
from components.shared.dataset.folder import read_manifest
from components.shared.dataset.packed_rows import decode_row
from components.shared.dataset.tfrecords import read_records
from components.shared.errors import InputError
from components.shared.tokens.vocabulary import Vocabulary
from tests.components.preprocess.outputs import read_files
from tests.components.preprocess.text_samples import make_texts, write_everything

PROCESSES = "--direct_running_mode=multi_processing --direct_num_workers=3"


@pytest.fixture
def text_folder(tmp_path):
    (tmp_path / "text").mkdir()
    return tmp_path / "text"


@pytest.fixture
def make_config(make_config, text_folder):
    return partial(make_config, dump_files=None, text_files=text_folder)


def read_sequences(config, length="64"):
    """The pieces of each sequence, as text."""
    pieces = Vocabulary.read(config.vocabulary).pieces
    for shard in read_manifest(config.dataset)["lengths"][length]["shards"]:
        for record in read_records(config.dataset / shard["file"]):
            row, start = decode_row(record), 0
            for count in row.sequence_lengths:
                ids = row.token_ids[start : start + count]
                yield " ".join(pieces[id_] for id_ in ids)
                start += count


def test_every_form_and_packing_gives_its_documents(make_config, text_folder):
    """The same rows as all of the texts in one plain file."""
    texts = make_texts(45)
    write_everything(text_folder, texts)
    together = text_folder.parent / "together"
    together.mkdir()
    (together / "all.txt").write_text("\n".join(texts))
    apart, one = (
        make_config("apart"),
        make_config("one", text_files=together, text_documents="line"),
    )

    run(apart)
    run(one)

    manifest = read_manifest(apart.dataset)
    assert manifest["documents"] == {"kept": 45}
    assert read_files(apart.dataset, "*.tfrecord") == read_files(one.dataset, "*.tfrecord")


@pytest.mark.slow
def test_workers_and_cuts_change_nothing(make_config, text_folder, write_dump, make_article):
    """One process, three, and other pieces of work: equal bytes, the vocabulary included."""
    write_everything(text_folder, make_texts(60))
    dump_files = write_dump(*(make_article(page) for page in range(1, 21)), num_streams=3).parent
    settings = {"dump_files": dump_files, "given_vocabulary": None, "vocabulary_size": 150}
    configs = [
        make_config("one", **settings),
        make_config("three", beam_options=PROCESSES, **settings),
        make_config("cut", num_workers=3, **settings),
    ]

    for config in configs:
        run(config)

    for config in configs[1:]:
        assert config.vocabulary.read_bytes() == configs[0].vocabulary.read_bytes()
        assert read_files(config.dataset, "*.tfrecord") == read_files(
            configs[0].dataset, "*.tfrecord"
        )
        assert read_manifest(config.dataset) == read_manifest(configs[0].dataset)


def test_dump_and_text_together(make_config, text_folder, write_dump, make_article):
    """Each corpus has its counts, its weight and its source; a copy in the text is dropped."""
    texts = make_texts(20)
    write_dump(*(make_article(page) for page in range(1, 21)))
    (text_folder / "a.txt").write_text("\n\n".join(texts))
    source = {"format_version": 1, "files": [{"name": "a.txt"}, {"name": "b.txt"}]}
    (text_folder / "text.json").write_text(json.dumps(source))
    (text_folder / "b.txt").write_text("\n\n".join([texts[0], "\u200b"]))
    config = make_config(
        dump_files=text_folder.parent / "dump", num_duplicates=1, text_num_duplicates=3
    )

    metadata = run(config)

    manifest = read_manifest(config.dataset)
    dump, text = manifest["corpora"]["dump"], manifest["corpora"]["text"]
    assert dump["documents"] == {"kept": 20}
    assert text["documents"] == {"kept": 20, "duplicate": 1, "no text": 1}
    assert manifest["documents"] == {"kept": 40, "duplicate": 1, "no text": 1}
    assert (dump["num_duplicates"], text["num_duplicates"]) == (1, 3)
    assert text["source"] == source
    assert dump["source"] is None
    for length, described in manifest["lengths"].items():
        tokens = [corpus["lengths"][length]["num_tokens"] for corpus in (dump, text)]
        assert sum(tokens) == described["num_tokens"]
        shares = [corpus["lengths"][length]["share"] for corpus in (dump, text)]
        assert shares == pytest.approx([one / sum(tokens) for one in tokens], abs=1e-6)
        assert 1.5 * tokens[0] < tokens[1]  # 0.6 with equal weights
    assert metadata["dataset"]["num_documents"] == 40


def test_a_folder_that_the_manifest_calls_empty_is_no_corpus(make_config, text_folder, dump_folder):
    """What ingest gives where only the other corpus was named."""
    (dump_folder / "dump.json").write_text('{"format_version": 1, "files": []}')
    (text_folder / "a.txt").write_text("\n\n".join(make_texts(5)))
    config = make_config(dump_files=dump_folder)

    run(config)

    assert list(read_manifest(config.dataset)["corpora"]) == ["text"]


@pytest.mark.parametrize("settings", [{}, {"given_vocabulary": None}])
def test_files_without_a_byte_are_an_error(make_config, text_folder, settings):
    """Named as such, with a vocabulary or to train one."""
    (text_folder / "a.txt").touch()

    with pytest.raises(InputError, match=r"1 of 1 records can't be read.*empty file|no document"):
        run(make_config(**settings))


def test_no_corpus_at_all_is_an_error(make_config):
    """The settings to give are named."""
    with pytest.raises(InputError, match="give dump_files, text_files or both"):
        run(make_config(text_files=None))


def test_sentences_of_googles_format_stay_whole(make_config, text_folder):
    """The splitter would cut the first line in two."""
    document = "The cat sat. A mat saw. Red\ntwo dogs run\n"
    (text_folder / "a.txt").write_text((document + "\n") * 2 + "a cat and a mat\non the mat\n")
    settings = {"short_sequence_rate": 0, "num_duplicates": 30}
    google = make_config("google", text_documents="google", **settings)
    lines = make_config("lines", text_documents="blank-line", **settings)

    run(google)
    run(lines)

    cut = "[CLS] the cat sat . [SEP] a mat saw ."
    assert not any(one.startswith(cut) for one in read_sequences(google))
    assert any(one.startswith(cut) for one in read_sequences(lines))


def test_few_bad_records_are_counted(make_config, text_folder):
    """Each reason by itself; the rest is read."""
    lines = [json.dumps({"text": text}) for text in make_texts(100)]
    bad = ["{", "[]", "{}", '{"text": null}', '{"text": 1}']
    (text_folder / "a.jsonl").write_text("\n".join([*lines, *bad]))
    (text_folder / "b.txt").touch()
    (text_folder / "c.txt").write_text("<html>")
    (text_folder / "d.txt").write_bytes(b"caf\xe9")
    config = make_config(max_bad_rate=0.1)

    run(config)

    assert read_manifest(config.dataset)["documents"] == {
        "kept": 100,
        "HTML": 1,
        "empty file": 1,
        "not JSON": 1,
        "not a JSON object": 1,
        "not in the encoding": 1,
        "not text": 1,
        "null": 1,
        "without the text field": 1,
    }


def test_many_bad_records_end_the_stage_with_the_first_three(make_config, text_folder):
    """By file and place, in their order; nothing is written."""
    good = json.dumps({"text": make_texts(1)[0]})
    (text_folder / "a.jsonl").write_text("\n".join([good, "{", "[]"]))
    (text_folder / "b.jsonl").write_text("{}\n" * 3)
    config = make_config()

    with pytest.raises(InputError) as error:
        run(config)

    first = len(good) + 1
    assert str(error.value) == (
        f"{text_folder}: 5 of 6 records can't be read, more than max_bad_rate 0.01 allows: "
        f"{text_folder}/a.jsonl, at {first}: not JSON; "
        f"{text_folder}/a.jsonl, at {first + 2}: not a JSON object; "
        f"{text_folder}/b.jsonl, at 0: without the text field; "
        "correct the files, or raise max_bad_rate"
    )
    assert not config.dataset.exists()
    assert not config.vocabulary.exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"text_encoding": "utf-9"}, "text_encoding 'utf-9' is not known"),
        ({"text_encoding": "base64"}, "text_encoding 'base64' is not known"),
        ({"max_bad_rate": 2.0}, "max_bad_rate must be between 0 and 1, got 2.0"),
        ({"text_documents": "page"}, "text_documents must be one of file, blank-line, line"),
        ({"text_num_duplicates": -1}, "text_num_duplicates must be at least 0, got -1"),
    ],
)
def test_wrong_settings_are_rejected(make_config, settings, said):
    """Before anything is read."""
    with pytest.raises(InputError, match=said):
        make_config(**settings)
