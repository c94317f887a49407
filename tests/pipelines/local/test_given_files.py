"""What a run's parameters name is looked at before its first step."""

import json
import re
from pathlib import Path

import pytest

from components.shared.errors import InputError
from pipelines.catalog import PIPELINES
from pipelines.local.given_files import PATHS, check_files, make_absolute, read_model
from pipelines.parameter_checks import check_lengths
from pipelines.steps import list_parameters, steps_of
from tests.pipelines.cli import run_command
from tests.pipelines.test_parameter_checks import BERT, CLASSIFICATION

MODEL = {"vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 16}  # fmt: skip
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
# Their texts speak of files, and they name none of this machine.
_NO_PATHS = {
    "dump_site", "separator", "encoding", "text_encoding", "text_documents", "text_field",
    "worker_pod", "dataflow_temp_location", "flink_master",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where a person stands, with the files of a run."""
    monkeypatch.chdir(tmp_path)
    for name in ("x.xml", "train.json", "a, b.txt"):
        (tmp_path / name).touch()
    (tmp_path / "books").mkdir()
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    return tmp_path


def test_every_parameter_that_names_a_path_is_known():
    """Else it would count from the product's folder, and not be looked for."""
    speaks_of_paths = re.compile(r"\b(paths?|folders?|files?)\b", re.IGNORECASE)
    named = {
        parameter.setting.name
        for pipeline in PIPELINES.values()
        for parameter in list_parameters(steps_of(pipeline)).values()
        if parameter.setting.type is str and speaks_of_paths.search(parameter.setting.text)
    }

    assert named - _NO_PATHS <= set(PATHS)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("checkpoint_directory", "states", "HERE/states"),
        ("tensorboard_directory", "../events", "HERE/../events"),
        ("dump", "enwiki-latest", "enwiki-latest"),
        ("dump", "x.xml, s3://bucket/y.xml", "HERE/x.xml,s3://bucket/y.xml"),
        ("dump", "books", "HERE/books"),
        ("text", "a, b.txt", "HERE/a, b.txt"),
        ("dump", ",".join(["x.xml"] * 1000), ",".join(["HERE/x.xml"] * 1000)),
        ("bert_config", json.dumps(MODEL), json.dumps(MODEL)),
        ("squad_train", "/data/train.json#size=5", "/data/train.json#size=5"),
        ("initial_checkpoint", "gs://bucket/bert", "gs://bucket/bert"),
    ],
)
def test_paths_count_from_where_a_person_stands(folder, name, given, expected):
    """Whatever folder the steps run in."""
    assert make_absolute({name: given}) == {name: expected.replace("HERE", str(folder))}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("squad_train", "none.json"),
        ("squad_dev", "none.json#size=5"),
        ("dump", "x.xml,none*.xml.bz2"),
        ("text", "none"),
        ("vocabulary", "none.txt"),
        ("initial_checkpoint", "none"),
        ("bert_config", "none.json"),
        ("baseline", "none.json"),
        ("checkpoint_directory", "x.xml"),
        ("tensorboard_directory", "x.xml/events"),
    ],
)
def test_a_file_that_is_not_there_is_told(folder, name, value):
    """With its parameter, though a later step would read it."""
    given = BERT | {"dump": "x.xml", "squad_train": "train.json"}

    check_files(make_absolute(given))
    with pytest.raises(InputError, match=f"^{name}: {folder}/.*(no such|is a file|not a folder)"):
        check_files(make_absolute(given | {name: value}))


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("bert_config", "model.json", json.dumps(MODEL | {"hidden_size": 7})),
        ("bert_config", "model.json", json.dumps(MODEL | {"vocab_size": 6})),
        ("bert_config", "model.json", "{"),
        ("vocabulary", "vocab.txt", "a\n"),
        ("initial_checkpoint", "bert_config.json", json.dumps(MODEL)),
    ],
)
def test_a_model_that_can_not_be_is_told(folder, name, file, text):
    """The one that pretraining would read, or fine-tuning after days."""
    (folder / file).write_text(text, encoding="utf-8")
    place = folder if name == "initial_checkpoint" else folder / file
    if name == "initial_checkpoint":
        (folder / "vocab.txt").write_text("[PAD]\n", encoding="utf-8")
    given = {"vocabulary": str(folder / "vocab.txt")} if name == "bert_config" else {}

    with pytest.raises(InputError, match=f"^{name}: {folder}"):
        read_model(BERT | given | {name: str(place)})


def test_lengths_are_compared_with_the_model(folder):
    """Of its file; a step's name is told, and the setting."""
    (folder / "model.json").write_text(json.dumps(MODEL | {"max_position_embeddings": 512}))
    model = read_model(BERT | {"bert_config": str(folder / "model.json")})

    check_lengths("bert", BERT, model)
    with pytest.raises(InputError, match=r"^evaluate: speed_lengths 513 is more .* 512"):
        check_lengths("bert", BERT | {"speed_lengths": [513]}, model)
    with pytest.raises(InputError, match=r"^finetune: max_length_tokens 600 is more .* 512"):
        check_lengths("classification", CLASSIFICATION | {"max_length_tokens": 600}, model)


def test_a_run_ends_before_its_first_step(folder):
    """With one line and status 2; nothing is written."""
    (folder / "model.json").write_text(json.dumps(MODEL | {"max_position_embeddings": 128}))
    flags = ["--dump", "x.xml", "--squad-train", "train.json", "--bert-config", "model.json"]

    done = run_command("run", "bert", *flags)

    assert done.stderr == (
        "run: error: pretrain_512: sequence_length 512 is more than the model's "
        "max_position_embeddings 128; lower it to that or less\n"
    )
    assert done.returncode == 2
    assert not (folder / "runs").exists()


def test_a_missing_file_in_a_folder_with_a_space_is_told(folder, monkeypatch):
    """By its whole path."""
    place = folder / "mon dépôt"
    place.mkdir()
    monkeypatch.chdir(place)

    done = run_command("run", "bert", "--dump", "y.xml", "--squad-train", "../train.json")

    assert done.returncode == 2
    assert f"dump: {place}/y.xml: no such file" in done.last_error
