"""The files, folders and the model that a run's parameters name, checked before its first step.

A file that only the last step reads would otherwise be missed after days.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.shared.bert.config import BertConfig
from components.shared.checkpoints.description import read_description
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, is_there, split_places
from components.shared.files.documents import load_json
from components.shared.tokens.vocabulary import Vocabulary

_FILES = (
    "dataset",
    "squad_train",
    "squad_dev",
    "baseline",
    "vocabulary",
    "checksums",
    "bert_config",
    "flink_job_server_jar",
    "train",
    "initial_checkpoint",
)
OUTPUT_FOLDERS = (
    "download_directory", "checkpoint_directory", "tensorboard_directory", "model_store",
)  # fmt: skip
"""The parameters that name folders to write to."""
_LISTS = ("dump", "text", "dev")
"""Parameters that take several, separated by commas."""
PATHS = (*_FILES, *OUTPUT_FOLDERS, *_LISTS)
"""The parameters that name files or folders of this machine, or addresses."""
_DUMP_NAME = re.compile(r"[\w-]+")  # such as enwiki-latest; an export's file has a suffix


def make_absolute(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with paths that hold elsewhere: steps run in another folder."""
    absolute = {
        name: ",".join(_absolute(name, one) for one in _split(name, parameters[name]))
        for name in PATHS
        if parameters.get(name)
    }
    return {**parameters, **absolute}


def check_files(parameters: Mapping[str, Any]) -> None:
    """Find each file that the parameters name, and each folder that is to be written.

    Args:
        parameters: all of a run's, with absolute paths.

    Raises:
        InputError: naming the parameter, and what is wrong with its file.
    """
    for name in (*_FILES, *_LISTS):
        for place in _split(name, parameters.get(name, "")):
            if Path(place).is_absolute() and not is_there(place):
                raise InputError(f"{name}: {place}: no such file or folder on this machine")
    for name in OUTPUT_FOLDERS:
        place = parameters.get(name, "")
        if Path(place).is_absolute():
            with _named(name):
                expect_place(Path(place), is_folder=True)
    if baseline := parameters.get("baseline"):
        with _named("baseline"):
            load_json(Path(baseline), dict[str, Any])


def read_model(parameters: Mapping[str, Any]) -> BertConfig | None:
    """Return the model that a run trains; None where its checkpoint is not a folder here.

    Raises:
        InputError: if a file that describes it is broken, or its vocabulary is another model's.
    """
    vocabulary = None
    path = Path(parameters.get("vocabulary", "").partition("#")[0])
    if path.is_file():
        with _named("vocabulary"):
            vocabulary = Vocabulary.read(path)
    if place := parameters["initial_checkpoint"]:
        if not Path(place).is_dir():
            return None
        with _named("initial_checkpoint"):
            return read_description(Path(place)).config
    with _named("bert_config"):
        num_pieces = len(vocabulary) if vocabulary else parameters.get("vocabulary_size", 1)
        config, source = BertConfig.choose(
            parameters["bert_config"], parameters["preset"], vocab_size=num_pieces
        )
        if vocabulary is not None:
            config.expect_room(len(vocabulary), source=source, vocabulary=str(path))
        return config


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name the parameter where only its file is named."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix(f'{name}: ')}") from None


def _split(name: str, value: str) -> Iterator[str]:
    """Yield the places that a parameter names."""
    if name in ("dump", "text"):
        yield from split_places(value)
    else:
        parts = value.split(",") if name == "dev" and not os.path.isfile(value) else [value]
        yield from filter(None, map(str.strip, parts))


def _absolute(name: str, place: str) -> str:
    """Return a path or pattern from the root; an address, a dump's name or JSON text stays."""
    is_dump_name = name == "dump" and _DUMP_NAME.fullmatch(place) and not os.path.exists(place)
    if "://" in place or place.startswith("{") or is_dump_name:
        return place
    return str(Path.cwd() / place)
