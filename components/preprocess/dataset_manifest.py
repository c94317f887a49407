"""dataset.json: what a dataset holds, and all that it depends on."""

import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, TypeAlias

from components.preprocess.config import GOOGLE, PreprocessConfig
from components.preprocess.storage import filesystem
from components.shared.records import FORMAT_VERSION
from components.shared.stage import settings
from components.shared.vocabulary import Vocabulary

# A new version of one of these may cut, split or encode a text otherwise.
_PACKAGES = ("apache-beam", "nltk", "protobuf", "sentencex", "tokenizers")

# Settings that decide how fast the same bytes are made, and where.
_WITHOUT_EFFECT = (
    "num_workers",
    "beam_runner",
    "flink_master",
    "flink_version",
    "flink_job_server_jar",
    "flink_worker_pool",
    "worker_image",
    "dataflow_project",
    "dataflow_region",
    "dataflow_temp_location",
    "use_object_store",
    "beam_options",
)


# The counts of documents by what became of them, and the shards of each length.
Report: TypeAlias = tuple[dict[str, int], dict[str, list[dict[str, Any]]]]


def read_report(path: str) -> Report:
    """What the graph that writes shards tells of them."""
    documents: dict[str, int] = {}
    shards: dict[str, list[dict[str, Any]]] = {}
    for line in filesystem.read_text(path).splitlines():
        kind, name, value = json.loads(line)
        if kind == "documents":
            documents[name] = value
        else:
            shards.setdefault(str(name), []).append(value)
    return documents, shards


def describe_dataset(
    config: PreprocessConfig,
    *,
    vocabulary: Vocabulary,
    documents: Mapping[str, int],
    shards: Mapping[str, list[dict[str, Any]]],
    sources: Any,
) -> dict[str, Any]:
    """What dataset.json says."""
    configuration = settings(config)
    return {
        "format_version": FORMAT_VERSION,
        "format": config.format,
        "vocabulary": {"sha256": vocabulary.sha256, "size": len(vocabulary)},
        "lowercase": config.lowercase,
        "lengths": {
            name: _describe_length(int(name), shards[name], config)
            for name in map(str, config.lengths())
        },
        "documents": dict(documents),
        "configuration": {
            name: value for name, value in configuration.items() if name not in _WITHOUT_EFFECT
        },
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        },
        "sources": sources,
    }


def _describe_length(
    length: int, shards: Iterable[dict[str, Any]], config: PreprocessConfig
) -> dict[str, Any]:
    ordered = sorted(shards, key=lambda shard: shard["file"])
    num_rows, num_sequences, num_tokens = (
        sum(shard[name] for shard in ordered)
        for name in ("num_rows", "num_sequences", "num_tokens")
    )
    return {
        "num_rows": num_rows,
        "num_sequences": num_sequences,
        "num_tokens": num_tokens,
        "max_sequences": max(shard["max_sequences"] for shard in ordered),
        "fill": round(num_tokens / max(1, num_rows * length), 6),
        **({"max_predictions": config.predictions()[length]} if config.format == GOOGLE else {}),
        "shards": [
            {name: shard[name] for name in ("file", "num_rows", "num_bytes", "sha256")}
            for shard in ordered
        ],
    }
