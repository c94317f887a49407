"""What a checkpoint folder says of its model beside the weights; free of TensorFlow."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.bert.config import BertConfig
from components.shared.checkpoints import huggingface
from components.shared.errors import InputError
from components.shared.files.documents import load_json
from components.shared.tokens.tokenization import Tokenization, read_tokenization
from components.shared.tokens.vocabulary import Vocabulary

if TYPE_CHECKING:
    from components.shared.tokens.tokenizer import WordPieceTokenizer

BERT_CONFIG, VOCABULARY, LABELS = "bert_config.json", "vocab.txt", "labels.json"
ONNX_FILE = "model.onnx"
"""The graph that a folder without weights is served from."""
INT8_FILE = "model.int8.onnx"
"""The graph beside the weights that it was made of, for CPUs that compute int8."""
# Of transformers: PyTorch's pickles, safetensors in several files, TensorFlow's and Flax's.
_NOT_READ = re.compile(
    r"pytorch_model.*\.bin(\.index\.json)?|model.*\.safetensors\.index\.json|tf_model\.h5|"
    r"flax_model\.msgpack"
)
# Google's cased vocabularies have capitals in some 30 of 100 pieces, its Chinese one in few.
_CASED_SHARE = 0.02


@dataclass(frozen=True)
class Description:
    """A model as the files beside its weights describe it."""

    folder: Path
    config: BertConfig
    vocabulary: Vocabulary
    tokenization: Tokenization
    labels: tuple[str, ...] | None
    """A classifier's, in the order of its outputs; a single one where it gives a number."""

    @property
    def ignored_fields(self) -> str:
        """A sentence on the fields of the model's config that change nothing; "" if none."""
        names = ", ".join(self.config.ignored_fields)
        return f"{_config_path(self.folder)}: ignored: {names}" if names else ""

    def make_tokenizer(self) -> "WordPieceTokenizer":
        """The tokenizer that the model's text goes through."""
        from components.shared.tokens.tokenizer import (
            WordPieceTokenizer,  # pretraining does without
        )

        return WordPieceTokenizer(self.vocabulary, **vars(self.tokenization))


def read_description(folder: Path) -> Description:
    """Read what lies beside the weights in a folder of this project's, Google's or transformers'.

    Raises:
        InputError: if a file is missing or broken, asks for what this project does not do, or
            the vocabulary is not the model's.
    """
    is_huggingfaces = huggingface.is_in(folder)
    path = _config_path(folder)
    config = huggingface.read_config(path) if is_huggingfaces else BertConfig.read(path)
    vocabulary = _read_vocabulary(folder)
    if len(vocabulary) > config.vocab_size:
        # Looked up beyond the table's end, a piece is an error on CPUs and zeros on GPUs.
        raise InputError(
            f"{folder / VOCABULARY}: {len(vocabulary)} word pieces, but the model has "
            f"vectors for vocab_size {config.vocab_size}; give the vocab.txt that it was "
            "trained with"
        )
    return Description(
        folder,
        config,
        vocabulary,
        # Google's folders don't say whether text is lower-cased; their vocabularies do.
        read_tokenization(folder, lowercase=not _is_cased(vocabulary)),
        huggingface.read_labels(path) if is_huggingfaces else read_labels(folder / LABELS),
    )


def expect_readable_weights(names: Iterable[str], place: str) -> None:
    """Reject a folder with weights in a format that is not read here.

    Args:
        names: of the folder's files, none of which holds weights that are.
        place: how messages call the folder.

    Raises:
        InputError: saying how to convert them.
    """
    found = sorted(filter(_NOT_READ.fullmatch, names))
    if found:
        raise InputError(
            f"{place}: the weights in {found[0]} can't be read; with transformers, save them as "
            "one model.safetensors: MODEL.from_pretrained(FOLDER).save_pretrained(FOLDER, "
            "max_shard_size='100GB'), where MODEL is the class under architectures in config.json"
        )


def _config_path(folder: Path) -> Path:
    return folder / (huggingface.CONFIG if huggingface.is_in(folder) else BERT_CONFIG)


def _read_vocabulary(folder: Path) -> Vocabulary:
    if not (folder / VOCABULARY).exists() and (folder / "tokenizer.json").exists():
        raise InputError(
            f"{folder}: no {VOCABULARY}, only tokenizer.json; write it with Hugging Face's "
            "tokenizers: Tokenizer.from_file('tokenizer.json').model.save('.')"
        )
    return Vocabulary.read(folder / VOCABULARY)


def read_labels(path: Path) -> tuple[str, ...] | None:
    """The labels of a labels.json, in the order of the model's outputs; None without one.

    Raises:
        InputError: if it is broken, or not a list of distinct labels.
    """
    if not path.exists():
        return None
    labels = load_json(path, tuple[str, ...])
    if len(set(labels)) < max(1, len(labels)):
        raise InputError(f"{path}: expected distinct labels, one or more, got {list(labels)}")
    return labels


def _is_cased(vocabulary: Vocabulary) -> bool:
    with_capitals = [
        piece for piece in vocabulary.pieces if not piece.startswith("[") and piece != piece.lower()
    ]
    return len(with_capitals) > _CASED_SHARE * len(vocabulary)
