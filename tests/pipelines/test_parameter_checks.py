"""A run's settings, as its steps' configs see them before the first one begins."""

import inspect

import pytest

from components.shared.errors import InputError
from pipelines.bert import bert
from pipelines.classification import classification
from pipelines.machines.machine_plan import make_plan
from pipelines.machines.sizing import fit
from pipelines.parameter_checks import check_settings
from pipelines.retraining import retraining
from pipelines.squad import squad


def list_defaults(pipeline, **given) -> dict:
    """Every parameter of a pipeline."""
    parameters = inspect.signature(pipeline.pipeline_func).parameters
    return {name: parameter.default for name, parameter in parameters.items()} | given


BERT = list_defaults(bert, dump="simplewiki-latest", squad_train="gs://bucket/train.json")
SQUAD = list_defaults(squad, squad_train="train.json", initial_checkpoint="bert.zip")
CLASSIFICATION = list_defaults(classification, train="train.tsv", vocabulary="vocab.txt")


@pytest.mark.parametrize("hardware", ["cpu", "dgx-1v-16g", "dgx-2", "dgx-2x4", "dgx-a100"])
def test_the_packages_defaults_pass(hardware):
    """On several machines too, whose pods are described."""
    data = {"dump": "enwiki-latest", "squad_train": "x.json", "record": "s3://bucket/dump.json"}
    again = retraining(fit(bert, hardware))

    check_settings("bert", list_defaults(fit(bert, hardware), **data))
    check_settings("bert-retraining", list_defaults(again, **data))
    given = {"squad_train": "x.json", "initial_checkpoint": "https://host/bert.zip"}
    check_settings("squad", list_defaults(fit(squad, hardware), **given))
    check_settings(
        "classification",
        list_defaults(fit(classification, hardware), train="x.csv", vocabulary="vocab.txt"),
    )


def test_text_does_without_a_dump():
    """Either is enough."""
    check_settings("bert", BERT | {"dump": "", "text": "s3://bucket/*.jsonl"})


def test_numbers_as_a_package_has_them_pass():
    """The IR knows doubles only."""
    numbers = {name: float(value) for name, value in BERT.items() if type(value) is int}

    check_settings("bert", BERT | numbers)


@pytest.mark.parametrize(
    ("pipeline", "settings", "said"),
    [
        ("bert", BERT | {"preset": "huge"}, '^pretrain_128: preset: expected one of "tiny", '),
        ("bert", BERT | {"seed": 1.5}, "^preprocess: seed must be a whole number, got 1.5"),
        ("bert", BERT | {"dump": ""}, "^ingest: no text to pretrain on"),
        ("bert", BERT | {"stride_tokens": 0}, "^finetune: stride_tokens must be 1 or more"),
        ("bert", BERT | {"finetune_learning_rates": []}, "^finetune_learning_rates must be one"),
        ("bert", BERT | {"finetune_learning_rates": [1e-3, 1e-3]}, r"each once, got \[0.001, "),
        ("bert", BERT | {"speed_lengths": [128, "x"]}, "^evaluate: speed_lengths must be a number"),
        (
            "bert",
            BERT | {"speed_precisions": ["fp16"]},
            "^evaluate: speed_precisions: expected",
        ),
        (
            "bert-retraining",
            BERT | {"record": "https://host/dump.json"},
            "^look: record must be a path",
        ),
        ("bert", BERT | {"finetune_seeds": [1, 2, 1]}, r"^finetune_seeds .* got \[1, 2, 1\]"),
        ("squad", SQUAD | {"seeds": [1, -2]}, "^finetune: seed must be 0 or more, got -2"),
        ("squad", SQUAD | {"seeds": []}, "^seeds must be one number or more"),
        ("squad", SQUAD | {"initial_checkpoint": " "}, "^ingest: initial_checkpoint is empty"),
        ("squad", SQUAD | {"squad_train": ""}, "^ingest: squad_train is empty"),
        ("classification", CLASSIFICATION | {"glue_task": "ax"}, "^ingest: glue_task"),
        (
            "classification",
            CLASSIFICATION | {"num_processes": 3},
            "^finetune: global_batch_size 32 cannot be cut .* num_processes 3; .*: 30 and 33",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_step(pipeline, settings, said):
    """And what its config says of it."""
    with pytest.raises(InputError, match=said):
        check_settings(pipeline, settings)


def test_a_batch_for_another_machine_is_rejected_with_the_nearest():
    """The package's own, on 16 processes in place of 8."""
    values = BERT | make_plan("dgx-1v-16g").parameters | {"finetune_global_batch_size": 24}

    check_settings("bert", values)
    with pytest.raises(InputError, match=r"finetune: .* 24 cannot be cut .*: 16 and 32"):
        check_settings("bert", values | {"num_processes": 16})


def test_of_other_pipelines_nothing_is_known():
    """Their parameters may mean anything."""
    check_settings("greeting", {"global_batch_size": -1})
