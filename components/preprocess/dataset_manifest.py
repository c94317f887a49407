"""dataset.json: what a dataset holds, and all that it depends on."""

import json
import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from components.preprocess.batches import CORPORA
from components.preprocess.config import GOOGLE, PreprocessConfig
from components.preprocess.corpora import Corpora
from components.preprocess.storage import filesystem
from components.shared.dataset.folder import MANIFEST
from components.shared.files.formats import stamp
from components.shared.stage.start import settings
from components.shared.tokens.vocabulary import Vocabulary

# A new version of one of these may cut, split or encode a text otherwise.
_PACKAGES = ("apache-beam", "nltk", "protobuf", "pyarrow", "sentencex", "tokenizers")

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


@dataclass
class Report:
    """What the graph that writes shards tells of them."""

    corpus_to_documents: dict[str, Counter[str]] = field(default_factory=dict)
    """How many documents of a corpus, by what became of them."""
    length_to_shards: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    length_to_held_out: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Shards of the documents that are held out."""
    problems: list[str] = field(default_factory=list)
    """The first records that could not be read."""

    @property
    def documents(self) -> Counter[str]:
        """How many documents of all corpora, by what became of them."""
        return sum(self.corpus_to_documents.values(), Counter())


def read_report(path: str) -> Report:
    """Read the graph's report."""
    report = Report()
    for line in filesystem.read_text(path).splitlines():
        kind, *values = json.loads(line)
        if kind == "documents":
            corpus, reason, count = values
            report.corpus_to_documents.setdefault(corpus, Counter())[reason] = count
        elif kind == "problem":
            file, place, reason = values
            report.problems.append(f"{file}, at {place}: {reason}")
        else:
            is_held_out, length, shard = values
            sets = report.length_to_held_out if is_held_out else report.length_to_shards
            sets.setdefault(str(length), []).append(shard)
    return report


def describe_dataset(
    config: PreprocessConfig,
    *,
    vocabulary: Vocabulary,
    report: Report,
    corpora: Corpora,
) -> dict[str, Any]:
    """Return the content of dataset.json."""
    configuration = settings(config)
    return {
        **stamp(MANIFEST),
        "format": config.format,
        "vocabulary": {"sha256": vocabulary.sha256, "size": len(vocabulary)},
        "lowercase": config.lowercase,
        "lengths": {
            name: _describe_length(int(name), report.length_to_shards[name], config)
            for name in map(str, config.lengths())
        },
        "held_out": {
            name: _describe_length(int(name), report.length_to_held_out[name], config)
            for name in map(str, config.lengths())
            if name in report.length_to_held_out
        },
        "documents": dict(report.documents),
        "corpora": {
            CORPORA[index]: {
                "documents": dict(report.corpus_to_documents.get(CORPORA[index], {})),
                "num_duplicates": config.duplicates()[index],
                "lengths": _describe_shares(index, report),
                "source": corpus.manifest,
            }
            for index, corpus in corpora.given.items()
        },
        "configuration": {
            name: value for name, value in configuration.items() if name not in _WITHOUT_EFFECT
        },
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        },
    }


def _describe_shares(corpus: int, report: Report) -> dict[str, Any]:
    """How much of the rows of each length comes from a corpus."""
    lengths = {}
    for length, shards in report.length_to_shards.items():
        num_tokens = sum(shard["num_tokens"][corpus] for shard in shards)
        num_all = sum(sum(shard["num_tokens"]) for shard in shards)
        lengths[length] = {
            "num_tokens": num_tokens,
            "share": round(num_tokens / max(1, num_all), 6),
        }
    return lengths


def _describe_length(
    length: int, shards: Iterable[dict[str, Any]], config: PreprocessConfig
) -> dict[str, Any]:
    ordered = sorted(shards, key=lambda shard: shard["file"])
    num_rows, num_sequences = (
        sum(shard[name] for shard in ordered) for name in ("num_rows", "num_sequences")
    )
    num_tokens = sum(sum(shard["num_tokens"]) for shard in ordered)
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
