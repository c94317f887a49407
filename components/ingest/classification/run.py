"""Ingest for sentence classification: fetch what was named, make sure of it, hand it on whole."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from components.ingest.classification.checkpoint import write_checkpoint
from components.ingest.classification.config import IngestClassificationConfig
from components.ingest.classification.held_out import hold_out
from components.ingest.classification.labels import (
    choose_positive,
    expect_known,
    expect_numbers,
    expect_relevances,
    find_labels,
)
from components.ingest.classification.tables import Line, Table, find_format, read_table
from components.ingest.download.fetch import fetch, open_downloads
from components.ingest.download.resumable import Downloads
from components.ingest.download.sources import Source
from components.ingest.dump.find import find_file
from components.shared.classification.sentences import TRAIN, write_sentences
from components.shared.classification.tasks import NUMBER_LABELS
from components.shared.errors import InputError
from components.shared.stage.start import Metadata

_DEV = "dev"
_NUM_LINES_SHOWN = 10


def run(config: IngestClassificationConfig) -> Metadata:
    """Fetch and check all inputs; write the outputs once every one of them is in order.

    Raises:
        InputError: if an input can't be had or is not what it should be.
    """
    train_source, *dev_sources = find_sources(config)
    with open_downloads(config, beside=config.sentences) as downloads:
        name_to_table = {
            name: fetch_table(source, config, downloads)
            for name, source in {TRAIN: train_source, **name_sets(dev_sources)}.items()
        }
        name_to_dev = {name: table.lines for name, table in name_to_table.items()}
        train = name_to_dev.pop(TRAIN)
        if not dev_sources:
            train, name_to_dev[_DEV] = hold_out(
                train, seed=config.seed, source=train_source.label, task=config.columns.task
            )
        # Held out rows have no file of their own.
        dev_labels = [source.label for source in dev_sources] or [train_source.label]
        labels, positive_label = _check_labels(
            config,
            (train, train_source.label),
            [*zip(name_to_dev.values(), dev_labels, strict=True)],
        )

        write_checkpoint(config, downloads)
        sets = {name: [line.row for line in lines] for name, lines in name_to_dev.items()}
        written = write_sentences(
            config.sentences,
            labels,
            positive_label,
            {TRAIN: [line.row for line in train], **sets},
            task=config.columns.task,
            metric=config.columns.metric,
        )
    return {
        "sentences": {
            "labels": len(written.labels),
            **{f"{name}_rows": count for name, count in written.num_rows.items()},
            **{
                f"{name}_rows_skipped": len(table.skipped)
                for name, table in name_to_table.items()
                if table.skipped
            },
        }
    }


def _check_labels(
    config: IngestClassificationConfig,
    train: tuple[Sequence[Line], str],
    dev_sets: Sequence[tuple[Sequence[Line], str]],
) -> tuple[Sequence[str], str]:
    """Check the labels of all sets, each with its file's name; return them and the positive one."""
    if config.columns.task != "classification":
        expect = expect_numbers if config.columns.task == "regression" else expect_relevances
        for lines, source in (train, *dev_sets):
            expect(lines, source)
        return [NUMBER_LABELS[config.columns.task]], ""
    labels = find_labels(*train)
    for lines, source in dev_sets:
        expect_known(lines, labels, source)
    return labels, choose_positive(labels, config.positive_label)


def find_sources(config: IngestClassificationConfig) -> list[Source]:
    """The training set's file and those of the development sets."""
    texts = [config.train, *filter(None, map(str.strip, config.dev.split(",")))]
    sources = [find_file(text, config) for text in texts]
    found = [source for source in sources if source is not None]
    for source in found:
        find_format(source.name)
    return found


def name_sets(sources: Sequence[Source]) -> dict[str, Source]:
    """The development sets' names: dev for the only one, of several those of their files.

    Raises:
        InputError: if two would have the same.
    """
    if len(sources) == 1:
        return {_DEV: sources[0]}
    name_to_source: dict[str, Source] = {}
    for source in sources:
        name = Path(source.name).stem
        if name in name_to_source or name == TRAIN:
            raise InputError(
                f"{source.label}: another set is called {name!r} already; rename one of the files"
            )
        name_to_source[name] = source
    return name_to_source


def fetch_table(source: Source, config: IngestClassificationConfig, downloads: Downloads) -> Table:
    """Fetch a file and read its rows; say which were left out."""
    check = partial(
        read_table,
        label=source.label,
        columns=config.columns,
        separator=config.separator_character,
        encoding=config.encoding,
    )
    table = fetch(source, {}, downloads, check, limit=config.table_limit).content
    if table.skipped:
        shown = ", ".join(map(str, table.skipped[:_NUM_LINES_SHOWN]))
        more = ", …" if len(table.skipped) > _NUM_LINES_SHOWN else ""
        print(
            f"{source.label}: {len(table.skipped)} rows skipped, cut short or without one of the "
            f"labels {', '.join(config.columns.known_labels)}: lines {shown}{more}",
            file=sys.stderr,
            flush=True,
        )
    return table
