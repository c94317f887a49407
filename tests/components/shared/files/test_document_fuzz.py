"""Documents that were damaged in 2,000 ways each: one line, and no wrong value accepted."""

import json
from typing import Any

import pytest

from components.shared.bert.config import BertConfig
from components.shared.checkpoints.checkpoint_manifest import check_files, has_random_weights
from components.shared.checkpoints.description import LABELS, read_labels
from components.shared.checkpoints.lineage import Lineage, compose_lineage, read_lineage
from components.shared.classification.sentences import Sentences
from components.shared.dataset.folder import Dataset, read_dataset
from components.shared.files.formats import stamp
from components.shared.model_store.layout import Description, parse_description
from components.shared.mpijob.worker_pod import WorkerPod
from components.shared.stage.start import parse_executor_input
from components.shared.tokens.tokenization import Tokenization, read_tokenization
from components.shared.training.history import History
from tests.mutations import NUM_MUTATIONS, fuzz

EXECUTOR_INPUT = {
    "inputs": {
        "parameterValues": {"train": "a.tsv", "seed": 7, "rate": 0.5},
        "artifacts": {"dump": {"artifacts": [{"uri": "gs://a/dump", "metadata": {"rows": 3.0}}]}},
    },
    "outputs": {
        "artifacts": {"model": {"artifacts": [{"uri": "gs://a/model", "name": "x"}]}},
        "parameters": {"is_new": {"outputFile": "/tmp/is_new"}},
        "outputFile": "/tmp/output.json",
    },
}
WORKER_POD = {
    "nodeSelector": {"gpu": "v100"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    "resources": {"limits": {"nvidia.com/gpu": "8"}},
    "env": [{"name": "A", "value": "b"}],
    "scheduleTimeoutSeconds": 60,
}
CONFIG = BertConfig.preset("tiny", vocab_size=30522).fields() | {"layer_norm_eps": 1e-6}
TOKENIZER = {
    "do_lower_case": True,
    "strip_accents": None,
    "tokenize_chinese_chars": True,
    "never_split": None,
    "unk_token": {"content": "[UNK]"},
    "added_tokens_decoder": {"0": {"content": "[PAD]"}},
}
SENTENCES = {
    **stamp("sentences.json"),
    "labels": ["a", "b"],
    "positive_label": "b",
    "dev_names": ["dev"],
    "num_rows": {"a": 1},
    "task": "classification",
    "metric": "accuracy",
}
DATASET = {
    **stamp("dataset.json"),
    "vocabulary": {"sha256": "14ab"},
    "lowercase": True,
    "lengths": {"128": {"shards": [{"file": "a", "num_rows": 3, "sha256": "9ad9"}]}},
    "format": "packed",
}
MODEL = {
    **stamp("model.json"),
    "version": "20261129T210000Z-1a2b3c4d",
    "files": {"model/vocab.txt": "14ab"},
}
LINEAGE = json.loads(
    compose_lineage(label="at 128", settings={"seed": 1}, inputs="9ad9", initial=None)
)


def through(path, read):
    """A reader of a file as a reader of bytes."""

    def call(content):
        path.write_bytes(content)
        return read()

    return call


@pytest.mark.parametrize(
    "name", ["bert_config", "executor input", "worker_pod", "model.json", "lineage.json"]
)
def test_a_document_in_memory(name):
    """An argument or a parameter: always text."""
    document, read, hint = {
        "bert_config": (
            CONFIG, lambda content: BertConfig.parse(content, source="bert_config.json"), BertConfig
        ),
        "executor input": (
            EXECUTOR_INPUT,
            lambda content: parse_executor_input([content.decode("utf-8", "replace")]),
            dict[str, Any],
        ),
        "worker_pod": (
            WORKER_POD,
            lambda content: WorkerPod.parse(content.decode("utf-8", "replace")),
            WorkerPod,
        ),
        "model.json": (
            MODEL, lambda content: parse_description(content, source="model.json")[0], Description
        ),
        "lineage.json": (
            LINEAGE, lambda content: read_lineage(content, source="lineage.json"), Lineage
        ),
    }[name]  # fmt: skip

    messages = fuzz(json.dumps(document).encode(), read, hint)

    assert len(messages) > NUM_MUTATIONS / 2
    for message in messages:
        source = {"bert_config": "bert_config.json", "executor input": "--executor-input"}
        assert message.startswith(f"{source.get(name, name)}: ")


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer_config.json",
        "tokenizer.json",
        "special_tokens_map.json",
        LABELS,
        "checkpoint.json",
        "sentences.json",
        "dataset.json",
    ],
)
def test_a_file_of_a_folder(tmp_path, name):
    """Each message begins with its path."""
    document, read, hint = {
        "tokenizer_config.json": (
            TOKENIZER, lambda: read_tokenization(tmp_path, lowercase=True), Tokenization
        ),
        "tokenizer.json": (
            {"added_tokens": [{"id": 0, "content": "[PAD]"}, {"id": 1, "content": "[UNK]"}]},
            lambda: read_tokenization(tmp_path, lowercase=True),
            Tokenization,
        ),
        "special_tokens_map.json": (
            {"unk_token": {"content": "[UNK]"}, "cls_token": "[CLS]", "pad_token": "[PAD]"},
            lambda: read_tokenization(tmp_path, lowercase=True),
            Tokenization,
        ),
        LABELS: (["no", "perhaps", "yes"], lambda: read_labels(tmp_path / LABELS), tuple[str, ...]),
        "checkpoint.json": (
            {**stamp("checkpoint.json"), "step": 7, "sha256": {}, "random_weights": True},
            lambda: (check_files(tmp_path), has_random_weights(tmp_path)),
            Any,
        ),
        "sentences.json": (SENTENCES, lambda: Sentences.read(tmp_path), Sentences),
        "dataset.json": (DATASET, lambda: read_dataset(tmp_path), Dataset),
    }[name]  # fmt: skip

    messages = fuzz(json.dumps(document).encode(), through(tmp_path / name, read), hint)

    assert len(messages) > NUM_MUTATIONS / 3
    for message in messages:
        assert message.startswith(str(tmp_path))


def test_a_history(tmp_path):
    """Lines of JSON, whose numbers may be infinite: a perplexity is soon."""
    path = tmp_path / "history.jsonl"
    history = History([{"step": 10, "loss": 0.5, "label": "at 128"}, {"step": 20, "loss": 0.4}])

    def read():
        return [list(entry) for entry in History.read(path).entries]

    messages = fuzz(history.text().encode(), through(path, read), list[list[str]])

    assert len(messages) > NUM_MUTATIONS / 5
    assert all(message.startswith(str(path)) for message in messages)
