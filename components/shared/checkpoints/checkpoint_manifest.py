"""checkpoint.json: what a checkpoint folder holds, and whether it is whole; free of TensorFlow."""

import hashlib
import json
from pathlib import Path

from components.shared.bert.config import BertConfig
from components.shared.errors import InputError
from components.shared.files import sha256, whole_folder

MANIFEST = "checkpoint.json"
_RANDOM = "random_weights"


def write_manifest(folder: Path, *, step: int | None, has_random_weights: bool = False) -> None:
    """Write it, as the last of a folder's files; `step` are the updates done."""
    checksums = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    fields = {"step": step, "sha256": checksums} | ({_RANDOM: True} if has_random_weights else {})
    (folder / MANIFEST).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def check_files(folder: Path, *, has_manifest: bool = False) -> None:
    """Compare a folder's files with its checkpoint.json.

    Args:
        folder: a checkpoint.
        has_manifest: whether there must be a checkpoint.json; Google's folders have none.

    Raises:
        InputError: naming the first file that is missing or altered.
    """
    manifest = folder / MANIFEST
    if not manifest.exists() and not has_manifest:
        return
    try:
        checksums = json.loads(manifest.read_text("utf-8"))["sha256"]
    except (FileNotFoundError, ValueError, KeyError):
        raise InputError(
            f"{manifest}: missing or broken; take another checkpoint or write this one again"
        ) from None
    for name, expected in checksums.items():
        path = folder / name
        if not path.exists() or sha256(path) != expected:
            state = "altered or cut short" if path.exists() else "missing"
            raise InputError(f"{path}: {state}; take another checkpoint or write this one again")


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
    return manifest.exists() and bool(json.loads(manifest.read_text("utf-8")).get(_RANDOM))


def write_untrained(folder: Path, config: BertConfig, vocabulary: Path, *, lowercase: bool) -> None:
    """Write the folder of a model whose weights a training draws, whole or not at all."""
    with whole_folder(folder) as scratch:
        write_descriptions(scratch, config, vocabulary, lowercase=lowercase)
        write_manifest(scratch, step=None, has_random_weights=True)


def write_descriptions(
    folder: Path, config: BertConfig, vocabulary: Path, *, lowercase: bool
) -> None:
    """Write what a checkpoint folder says of its model beside the weights."""
    (folder / "vocab.txt").write_bytes(vocabulary.read_bytes())
    (folder / "bert_config.json").write_text(config.to_json(), encoding="utf-8")
    text = json.dumps({"do_lower_case": lowercase}) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
