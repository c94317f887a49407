"""SQuAD files: fetched, checked as the stages that read them will, and handed on."""

from functools import partial
from pathlib import Path

from components.ingest.config import SquadFilesConfig
from components.ingest.download.checksums import Checksums
from components.ingest.download.fetch import Fetched, fetch, fetch_optional
from components.ingest.download.large_files import place
from components.ingest.download.resumable import Downloads
from components.ingest.download.sources import Source
from components.ingest.squad.splits import hold_out_articles
from components.shared.files.atomic import whole_folder
from components.shared.squad.answers import place_answers
from components.shared.squad.data import SquadData, expect_distinct_ids, read_squad


def fetch_training_set(
    config: SquadFilesConfig, source: Source, checksums: Checksums, downloads: Downloads
) -> Fetched[SquadData]:
    """Fetch the training set, and read it as fine-tuning will, long before that stage does.

    Raises:
        InputError: if it can't be had, or that stage cannot train on it.
    """
    check = partial(_check_training_file, config)
    return fetch(source, checksums, downloads, check, limit=downloads.limits.table_limit)


def fetch_development_set(
    source: Source | None, checksums: Checksums, downloads: Downloads
) -> Fetched[SquadData] | None:
    """Fetch the development set, if one was named.

    Raises:
        InputError: if it can't be had, or is not a SQuAD file.
    """
    limit = downloads.limits.table_limit
    return fetch_optional(source, checksums, downloads, read_squad, limit=limit)


def write_squad(
    config: SquadFilesConfig, train: Fetched[SquadData], dev: Fetched[SquadData] | None
) -> dict[str, int]:
    """Write train.json and dev.json, and count their questions."""
    with whole_folder(config.squad) as scratch:
        train_path, dev_path = scratch / "train.json", scratch / "dev.json"
        if dev is None:
            hold_out_articles(train.path, train_path, dev_path, train.source.label)
        else:
            place(train.path, train_path)
            place(dev.path, dev_path)
        train_questions, dev_questions = (
            read_squad(path, version=config.squad_version).questions
            for path in (train_path, dev_path)
        )
        expect_distinct_ids(dev_questions, (dev or train).source.label)
        return {"train_questions": len(train_questions), "dev_questions": len(dev_questions)}


def _check_training_file(config: SquadFilesConfig, path: Path) -> SquadData:
    data = read_squad(path, version=config.squad_version)
    place_answers(data.questions, max_bad_rate=config.max_bad_rate, source=str(path))
    return data
