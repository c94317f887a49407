"""checkpoint.json: what a checkpoint folder holds, and whether it is whole; free of TensorFlow."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from components.shared.bert.config import BertConfig
from components.shared.checkpoints.description import BERT_CONFIG, VOCABULARY
from components.shared.errors import DamagedError, InputError, NewerFormatError
from components.shared.files.atomic import sha256, whole_folder
from components.shared.files.formats import load_stamped, stamp
from components.shared.tokens.tokenization import TOKENIZER_CONFIG, Tokenization

MANIFEST = "checkpoint.json"
_REMEDY = "take another checkpoint or write this one again"


@dataclass(frozen=True)
class _Manifest:
    step: int | None
    sha256: dict[str, str]
    random_weights: bool = False


def write_manifest(folder: Path, *, step: int | None, has_random_weights: bool = False) -> None:
    """Write it, as the last of a folder's files; `step` are the updates done."""
    checksums = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    fields = {**stamp(MANIFEST), "step": step, "sha256": checksums}
    fields |= {"random_weights": True} if has_random_weights else {}
    (folder / MANIFEST).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def add_to_manifest(folder: Path) -> None:
    """Write it anew, with the files that have been added; others than this project's get one."""
    manifest = folder / MANIFEST
    step, is_random = None, False
    if manifest.exists():
        old = _read(manifest)
        step, is_random = old.step, old.random_weights
        manifest.unlink()
    write_manifest(folder, step=step, has_random_weights=is_random)


def _read(manifest: Path) -> _Manifest:
    return load_stamped(manifest, _Manifest, kind=MANIFEST, remedy=_REMEDY)


def check_files(folder: Path, *, has_manifest: bool = False) -> None:
    """Compare a folder's files with its checkpoint.json.

    Args:
        folder: a checkpoint.
        has_manifest: whether there must be a checkpoint.json; Google's folders have none.

    Raises:
        DamagedError: naming the first file that is missing or altered.
        NewerFormatError: if a newer release wrote the folder.
    """
    manifest = folder / MANIFEST
    if not manifest.exists() and not has_manifest:
        return
    try:
        name_to_sha256 = _read(manifest).sha256
    except NewerFormatError:  # whole, so that nothing older may take its place
        raise
    except InputError as error:
        raise DamagedError(str(error)) from None
    for name, expected in name_to_sha256.items():
        path = folder / Path(name).name
        if not path.exists() or sha256(path) != expected:
            state = "altered or cut short" if path.exists() else "missing"
            raise DamagedError(f"{path}: {state}; {_REMEDY}")


def fingerprint(folder: Path) -> str:
    """Return what tells a checkpoint from others: a checksum over its files."""
    manifest = folder / MANIFEST
    if manifest.exists():
        return sha256(manifest)
    files = sorted(path for path in folder.iterdir() if path.is_file())
    checksums = "".join(f"{path.name} {sha256(path)}\n" for path in files)
    return hashlib.sha256(checksums.encode()).hexdigest()


def has_random_weights(folder: Path) -> bool:
    """Whether a folder is of a model whose weights are still to be drawn."""
    manifest = folder / MANIFEST
    return manifest.exists() and _read(manifest).random_weights


def write_none(folder: Path) -> None:
    """Write the folder that stands for no checkpoint: an object store keeps no empty one."""
    with whole_folder(folder) as scratch:
        write_manifest(scratch, step=None, has_random_weights=True)


def is_none(folder: Path) -> bool:
    """Whether a folder stands for no checkpoint."""
    manifest = folder / MANIFEST
    if not manifest.exists():
        return False
    content = _read(manifest)
    return content.random_weights and not content.sha256


def write_untrained(
    folder: Path, config: BertConfig, vocabulary: Path, tokenization: Tokenization
) -> None:
    """Write the folder of a model whose weights a training draws, whole or not at all."""
    with whole_folder(folder) as scratch:
        write_descriptions(scratch, config, vocabulary, tokenization)
        write_manifest(scratch, step=None, has_random_weights=True)


def write_descriptions(
    folder: Path, config: BertConfig, vocabulary: Path, tokenization: Tokenization
) -> None:
    """Write what a checkpoint folder says of its model beside the weights."""
    (folder / VOCABULARY).write_bytes(vocabulary.read_bytes())
    (folder / BERT_CONFIG).write_text(config.to_json(), encoding="utf-8")
    text = json.dumps(tokenization.fields()) + "\n"
    (folder / TOKENIZER_CONFIG).write_text(text, encoding="utf-8")
