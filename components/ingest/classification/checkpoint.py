"""The checkpoint that fine-tuning starts from, fetched whole, or described where there is none."""

import re
import shutil
import sys
from pathlib import Path

from components.ingest.classification.config import IngestClassificationConfig
from components.ingest.download.fetch import fetch
from components.ingest.download.resumable import Downloads
from components.ingest.dump.find import find_file
from components.shared.bert.config import BertConfig
from components.shared.checkpoints.checkpoint_manifest import check_files, write_untrained
from components.shared.checkpoints.description import expect_readable_weights, read_description
from components.shared.errors import InputError
from components.shared.files import whole_folder
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import open_bucket
from components.shared.tokenization import Tokenization
from components.shared.vocabulary import Vocabulary

# Of Hugging Face's folders hold the same weights for other frameworks, which are large.
_WEIGHTS = re.compile(r"model\.safetensors|.*\.ckpt|.*\.index|.*\.data-\d+-of-\d+")
_OTHERS = re.compile(
    r"vocab\.txt|bert_config\.json|config\.json|tokenizer_config\.json|tokenizer\.json|"
    r"added_tokens\.json|labels\.json|checkpoint\.json"
)


def write_checkpoint(config: IngestClassificationConfig, downloads: Downloads) -> None:
    """Write the folder that fine-tuning starts from, whole or not at all.

    Raises:
        InputError: if it can't be had, or is no checkpoint.
    """
    if not config.initial_checkpoint:
        _describe_untrained(config, downloads)
        return
    with whole_folder(config.given_checkpoint) as scratch:
        if config.initial_checkpoint.startswith(SCHEMES):
            _download(config, scratch)
        else:
            _copy(Path(config.initial_checkpoint), scratch)
        _expect_model(scratch, config.initial_checkpoint)


def _expect_model(folder: Path, place: str) -> None:
    """Check what lies beside the weights before hours of work that fine-tuning would waste.

    Raises:
        InputError: if a file is broken, or asks for what fine-tuning does not do.
    """
    try:
        check_files(folder)
        description = read_description(folder)
    except InputError as error:
        # Not the path of the copy, which nobody knows.
        raise InputError(str(error).replace(str(folder), place.rstrip("/"))) from None
    if description.ignored_fields:
        print(description.ignored_fields.replace(str(folder), place), file=sys.stderr, flush=True)


def _describe_untrained(config: IngestClassificationConfig, downloads: Downloads) -> None:
    source = find_file(config.vocabulary, config)
    assert source is not None
    vocabulary = fetch(source, {}, downloads, Vocabulary.read)
    num_pieces = len(vocabulary.content)
    bert_config, named = BertConfig.choose(config.bert_config, config.preset, vocab_size=num_pieces)
    bert_config.expect_room(num_pieces, source=named, vocabulary=source.label)
    write_untrained(
        config.given_checkpoint,
        bert_config,
        vocabulary.path,
        Tokenization(lowercase=config.lowercase),
    )


def _download(config: IngestClassificationConfig, folder: Path) -> None:
    # The end of a folder's name: "model" is no part of "model-2".
    address = f"{config.initial_checkpoint.rstrip('/')}/"
    bucket = open_bucket(address, timeout_seconds=config.timeout_seconds)
    wanted = _choose(bucket.names(), config.initial_checkpoint)
    bucket.download_all({name: folder / name for name in wanted})


def _copy(source: Path, folder: Path) -> None:
    if "://" in str(source) or not source.is_dir():
        raise InputError(
            f"{source}: no such folder; an initial_checkpoint is a folder of this machine, or the "
            f"address of one that begins with {', '.join(SCHEMES)}"
        )
    names = [path.name for path in source.iterdir() if path.is_file()]
    for name in _choose(names, str(source)):
        shutil.copyfile(source / name, folder / name)


def _choose(names: list[str], place: str) -> list[str]:
    """The files of a checkpoint among those of a folder.

    Raises:
        InputError: if it lacks some.
    """
    chosen = [name for name in names if _WEIGHTS.fullmatch(name) or _OTHERS.fullmatch(name)]
    if not any(map(_WEIGHTS.fullmatch, chosen)):
        expect_readable_weights(names, place)
    has_vocabulary = {"vocab.txt", "tokenizer.json"} & set(chosen)
    missing = [] if has_vocabulary else ["vocab.txt"]
    if not {"bert_config.json", "config.json"} & set(chosen):
        missing.append("bert_config.json (or Hugging Face's config.json)")
    if not any(map(_WEIGHTS.fullmatch, chosen)):
        missing.append("weights (bert_model.ckpt.* or Hugging Face's model.safetensors)")
    if missing:
        raise InputError(
            f"{place}: no {', no '.join(missing)} in it; an initial_checkpoint is a folder of this "
            "project's, of Google's or of Hugging Face's"
        )
    return sorted(chosen)
