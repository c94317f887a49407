"""A checkpoint or a dataset that is given to the stage."""

import json

import pytest

from components.preprocess.run import run
from components.shared.checkpoints.checkpoint_manifest import write_none
from components.shared.dataset.folder import read_manifest
from components.shared.errors import InputError
from tests.components.preprocess.outputs import read_files

PROCESSES = "--direct_running_mode=multi_processing --direct_num_workers=2"


def test_a_checkpoint_gives_its_vocabulary_and_its_case(
    make_config, write_dump, make_article, vocabulary_file, tmp_path
):
    """Whatever the settings say; a note that there is none leaves it to them."""
    write_dump(*(make_article(page) for page in range(1, 6)))
    initial = tmp_path / "initial"
    initial.mkdir()
    vocabulary = vocabulary_file.read_text() + "The\n"
    (initial / "vocab.txt").write_text(vocabulary)
    sizes = {
        "vocab_size": 100,
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    }
    (initial / "bert_config.json").write_text(json.dumps(sizes))
    (initial / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    write_none(tmp_path / "none")
    given = make_config("given", initial_checkpoint=initial, given_vocabulary=None)
    none = make_config("none", initial_checkpoint=tmp_path / "none")

    run(given)
    run(none)

    assert given.vocabulary.read_text() == vocabulary
    assert none.vocabulary.read_text() == vocabulary_file.read_text()
    assert [read_manifest(config.dataset)["lowercase"] for config in (given, none)] == [False, True]
    (initial / "tokenizer_config.json").write_text('{"tokenize_chinese_chars": false}')
    with pytest.raises(InputError, match="tokenize_chinese_chars false can't be pretrained on"):
        run(given)


def test_a_dataset_made_before_is_passed_on(make_config, write_dump, make_article, tmp_path):
    """Byte for byte, with no corpus; one without the rows that are asked for is rejected."""
    write_dump(*(make_article(page) for page in range(1, 21)))
    first = make_config("first", held_out_rate=0.3)
    run(first)
    given = {"dump_files": None, "given_dataset": first.dataset}
    second = make_config("second", **given)

    run(second)

    assert read_files(second.dataset) == read_files(first.dataset)
    assert second.vocabulary.read_bytes() == first.vocabulary.read_bytes()
    with pytest.raises(InputError, match="no rows of length 128, only of 16, 64; give"):
        run(make_config("third", **given, sequence_lengths="16,128"))
    with pytest.raises(InputError, match="the dataset's vocabulary is missing; give"):
        run(make_config("third", **given, given_vocabulary=None))
    assert not (tmp_path / "third" / "dataset").exists()
