"""Ingest for sentence classification as a whole."""

import json
import subprocess
import sys

import pytest

from components.ingest.classification.config import IngestClassificationConfig
from components.ingest.classification.run import run
from components.shared.checkpoints.checkpoint_manifest import check_files, has_random_weights
from components.shared.classification.sentences import Row, Sentences, read_rows
from components.shared.errors import InputError
from tests.components.ingest.samples import CONFIG, VOCABULARY, make_google_folder

TABLE = "sentence\tlabel\n" + "".join(f"text {n}\t{'no' if n % 3 else 'yes'}\n" for n in range(30))


@pytest.fixture
def settings(tmp_path) -> dict:
    """A table, and a vocabulary to start from random weights."""
    (tmp_path / "train.tsv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "vocab.txt").write_text(VOCABULARY, encoding="utf-8")
    return {
        "sentences": tmp_path / "out" / "sentences",
        "given_checkpoint": tmp_path / "out" / "checkpoint",
        "train": str(tmp_path / "train.tsv"),
        "vocabulary": str(tmp_path / "vocab.txt"),
    }


FILES = {
    "vocab.txt", "bert_config.json", "bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001"
}  # fmt: skip


def test_a_tenth_of_the_rows_is_held_out(settings):
    """And nothing is lost; the model is described, its weights are to be drawn."""
    metadata = run(IngestClassificationConfig(**settings))

    folder = settings["sentences"]
    found = Sentences.read(folder)
    assert found == Sentences(("no", "yes"), "yes", ("dev",), {"train": 27, "dev": 3})
    train, dev = (read_rows(folder, name) for name in ("train", "dev"))
    assert (len(train), len(dev), len({*train, *dev})) == (27, 3, 30)
    assert {row.label for row in dev} == {"no", "yes"}
    assert metadata == {"sentences": {"labels": 2, "train_rows": 27, "dev_rows": 3}}
    check_files(settings["given_checkpoint"], has_manifest=True)
    assert has_random_weights(settings["given_checkpoint"])
    written = json.loads((settings["given_checkpoint"] / "bert_config.json").read_text())
    assert (written["vocab_size"], written["hidden_size"]) == (7, 128)


def test_several_development_sets_have_their_files_names(settings, tmp_path):
    """MNLI's; the first counts."""
    for name in ("dev_matched", "dev_mismatched"):
        (tmp_path / f"{name}.tsv").write_text(f"sentence\tlabel\n{name}\tno\n", encoding="utf-8")
    dev = ",".join(str(tmp_path / f"dev_{kind}.tsv") for kind in ("matched", "mismatched"))

    run(IngestClassificationConfig(**settings, dev=dev))

    folder = settings["sentences"]
    assert Sentences.read(folder).dev_names == ("dev_matched", "dev_mismatched")
    assert read_rows(folder, "dev_mismatched") == [Row("dev_mismatched", None, "no")]


def test_rows_that_a_published_file_has_broken_are_counted(settings, tmp_path, capsys):
    """By their lines, and in the step's metadata."""
    row = "{}\t1\t2\tHow do I swim?\tHow can I swim?\t{}\n"
    rows = [row.format(number, number % 2) for number in range(20)]
    rows[3] = "3\t1\t2\tcut\n short\tshort\t1\n"
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    (tmp_path / "train.tsv").write_text(header + "".join(rows), encoding="utf-8")

    metadata = run(IngestClassificationConfig(**settings, glue_task="qqp"))

    assert metadata["sentences"]["train_rows_skipped"] == 2
    assert metadata["sentences"]["train_rows"] + metadata["sentences"]["dev_rows"] == 19
    assert capsys.readouterr().err == (
        f"{tmp_path}/train.tsv: 2 rows skipped, cut short or without one of the labels 0, 1: "
        "lines 5, 6\n"
    )


def test_numbers_to_learn_are_handed_on_as_a_regression(settings, tmp_path):
    """By task or by the task of GLUE; a JSON number stays exact."""
    values = [1, 2.5, 0.1, 3.875]
    rows = [{"sentence": f"text {n}", "label": values[n % 4]} for n in range(40)]
    text = "\n".join(map(json.dumps, rows))
    (tmp_path / "train.jsonl").write_text(text, encoding="utf-8")
    changed = settings | {"train": str(tmp_path / "train.jsonl")}

    run(IngestClassificationConfig(**changed, task="regression"))

    folder = settings["sentences"]
    found = Sentences.read(folder)
    assert (found.task, found.metric, found.labels) == ("regression", "pearson", ("score",))
    assert found.num_rows == {"train": 36, "dev": 4}
    assert {row.value for row in read_rows(folder, "train")} == set(values)
    assert IngestClassificationConfig(**changed, glue_task="sts-b").columns.task == "regression"


def test_rows_to_rank_are_handed_on_with_their_group(settings, tmp_path):
    """Whole groups are held out; the column is called group unless another is named."""
    rows = [f"u{n // 5},item {n},{int(n % 5 == 2)}\n" for n in range(100)]
    for column, flags in {"group": {}, "user": {"group_column": "user"}}.items():
        text = f"{column},sentence,label\n" + "".join(rows)
        (tmp_path / "train.csv").write_text(text, encoding="utf-8")
        changed = settings | {"train": str(tmp_path / "train.csv"), "task": "ranking", **flags}

        run(IngestClassificationConfig(**changed))

        folder = settings["sentences"]
        found = Sentences.read(folder)
        assert (found.task, found.metric, found.labels) == ("ranking", "ndcg_at_10", ("relevance",))
        assert found.num_rows == {"train": 90, "dev": 10}
        assert len({row.group for row in read_rows(folder, "dev")}) == 2


@pytest.mark.parametrize(
    ("changes", "metric"),
    [
        ({}, "accuracy"),
        ({"glue_task": "cola"}, "matthews_correlation"),
        ({"glue_task": "qqp"}, "f1"),
        ({"glue_task": "mrpc", "task": "regression"}, ""),
    ],
)
def test_the_metric_of_a_task_is_that_of_glue(settings, changes, metric):
    """By which the best of several models is chosen; empty is the task's own."""
    columns = IngestClassificationConfig(**settings | changes).columns

    assert columns.metric == ("" if metric == "accuracy" else metric)


def test_a_label_of_dev_that_train_lacks_is_rejected_and_nothing_written(settings, tmp_path):
    """By its line."""
    (tmp_path / "dev.csv").write_text("sentence,label\nx,yes\ny,perhaps\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"dev.csv, line 3: the label 'perhaps' never occurs"):
        run(IngestClassificationConfig(**settings, dev=str(tmp_path / "dev.csv")))

    assert [*(tmp_path / "out").iterdir()] == []


def test_a_checkpoint_is_copied_without_what_nobody_reads(settings, tmp_path):
    """A folder of Google's."""
    folder = make_google_folder(tmp_path / "google")

    run(
        IngestClassificationConfig(
            **settings | {"vocabulary": "", "initial_checkpoint": str(folder)}
        )
    )

    assert {path.name for path in settings["given_checkpoint"].iterdir()} == FILES


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_a_checkpoint_is_fetched_from_a_bucket(settings, tmp_path, stores, scheme):
    """Its own files, not those of a folder whose name begins alike."""
    import boto3
    from google.cloud import storage

    folder = make_google_folder(tmp_path / "google")
    for path in folder.iterdir():
        for key in (f"models/bert/{path.name}", f"models/bert-2/more-{path.name}"):
            if scheme == "s3":
                boto3.client("s3").upload_file(str(path), "data", key)
            else:
                storage.Client().bucket("data").blob(key).upload_from_filename(str(path))
    address = f"{scheme}://data/models/bert"

    run(IngestClassificationConfig(**settings | {"vocabulary": "", "initial_checkpoint": address}))

    fetched = settings["given_checkpoint"]
    assert {path.name for path in fetched.iterdir()} == FILES
    assert all((fetched / name).read_bytes() == (folder / name).read_bytes() for name in FILES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bert_config.json", "{", "bert_config.json: line 1, column 2: not JSON"),
        ("bert_config.json", json.dumps({**CONFIG, "hidden_act": "gelu_10"}), "hidden_act must be"),
        ("tokenizer_config.json", '{"strip_accents": 1}', "strip_accents: expected true or false"),
        ("labels.json", '["a", "a"]', "labels.json: expected distinct labels, one or more"),
        ("checkpoint.json", '{"sha256": []}', "checkpoint.json: step: missing"),
        ("added_tokens.json", '{"[ENT]": 7}', "the added token"),
        ("special_tokens_map.json", '{"unk_token": "<unk>"}', "unk_token must be"),
        ("vocab.txt", VOCABULARY + "more\n" * 9, "16 word pieces, but .* vocab_size 9"),
    ],
)
def test_what_fine_tuning_would_reject_is_rejected_here(settings, tmp_path, name, content, message):
    """Under the path of the folder that was given; nothing is written."""
    folder = make_google_folder(tmp_path / "google")
    (folder / name).write_text(content, encoding="utf-8")
    changed = settings | {"vocabulary": "", "initial_checkpoint": str(folder)}

    with pytest.raises(InputError, match=message) as error:
        run(IngestClassificationConfig(**changed))

    assert str(error.value).startswith(str(folder / name))
    assert not settings["given_checkpoint"].exists()


def test_vocabularies_of_other_people_are_taken_as_they_are(settings, tmp_path, capsys):
    """A byte order mark, an empty line, a line twice, and empty ones at the end."""
    folder = make_google_folder(tmp_path / "google")
    content = "\ufeff" + "".join(f"{piece}\n" for piece in [*VOCABULARY.split()[:5], "", "[UNK]"])
    (folder / "vocab.txt").write_text(content + "\n\n", encoding="utf-8")
    (folder / "bert_config.json").write_text(json.dumps({**CONFIG, "lab": "ours"}))

    run(
        IngestClassificationConfig(
            **settings | {"vocabulary": "", "initial_checkpoint": str(folder)}
        )
    )

    given = settings["given_checkpoint"]
    assert (given / "vocab.txt").read_bytes() == (folder / "vocab.txt").read_bytes()
    assert f"{folder}/bert_config.json: ignored: lab\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("vocab.txt", "no vocab.txt in it"),
        ("bert_config.json", "no bert_config.json"),
        ("bert_model", r"the weights in flax_model.msgpack can't be read; with transformers, save"),
        ("[bf]*_model", "no weights"),
    ],
)
def test_a_folder_that_is_no_checkpoint_is_rejected(settings, tmp_path, missing, message):
    """By what it lacks."""
    folder = make_google_folder(tmp_path / "google")
    for path in folder.glob(f"{missing}*"):
        path.unlink()
    changed = settings | {"vocabulary": "", "initial_checkpoint": str(folder)}

    with pytest.raises(InputError, match=message):
        run(IngestClassificationConfig(**changed))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": " "}, "train is empty"),
        (
            {"glue_task": "ax"},
            "glue_task must be one of cola, sst-2, mrpc, mnli, rte, qqp, qnli, wnli",
        ),
        ({"task": "tagging"}, "task must be one of auto, classification, regression, ranking"),
        ({"glue_task": "sts-b", "positive_label": "5"}, "a regression has no labels, only numbers"),
        ({"group_column": "user"}, "a classification has no groups; leave it empty, or set task"),
        ({"preset": "huge"}, "preset must be one of tiny"),
        ({"encoding": "latin-99"}, "encoding 'latin-99' is unknown"),
        ({"encoding": "undefined"}, "encoding 'undefined' is unknown"),
        ({"encoding": "\0"}, "encoding .* is unknown"),
        ({"vocabulary": ""}, "give an initial_checkpoint, or a vocabulary"),
        ({"initial_checkpoint": "x"}, "initial_checkpoint brings its own vocabulary"),
    ],
)
def test_settings_that_make_no_sense_are_rejected(settings, changes, message):
    """Before any file is opened."""
    with pytest.raises(InputError, match=message):
        IngestClassificationConfig(**settings | changes)


def test_the_command_is_there(settings):
    """As a person calls it; an error is one line."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]

    done = subprocess.run(
        [sys.executable, "-m", "components.ingest", "classification", *flags, "--label-column=y"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith(
        f"ingest classification: error: {settings['train']}: no column 'y': the header has "
        "'sentence', 'label'"
    )
