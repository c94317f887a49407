"""The word pieces a model knows: Google's vocab.txt, one a line, line number = id."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from components.shared.errors import InputError

SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Vocabulary:
    """Word pieces in the order of their ids, with the ids of the special ones."""

    pieces: tuple[str, ...]
    pad_id: int
    unk_id: int
    cls_id: int
    sep_id: int
    mask_id: int
    sha256: str
    """Of the file's bytes: tells whether two stages speak of the same ids."""

    def __len__(self) -> int:
        return len(self.pieces)

    @cached_property
    def continuation_ids(self) -> frozenset[int]:
        """Ids of the pieces that continue a word: `##ing`."""
        return frozenset(id_ for id_, piece in enumerate(self.pieces) if piece.startswith("##"))

    @classmethod
    def read(cls, path: Path) -> "Vocabulary":
        """Read a vocab.txt.

        Raises:
            InputError: if it is missing, not UTF-8, lacks a special piece, or has [PAD]
                anywhere but in its first line (padding is id 0 everywhere).
        """
        try:
            content = path.read_bytes()
            text = content.decode("utf-8")
        except FileNotFoundError:
            raise InputError(f"{path}: no such vocabulary file") from None
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}: byte {error.start} is not UTF-8; a vocabulary is a UTF-8 text file "
                "with one word piece a line, as Google's vocab.txt"
            ) from None
        # Not splitlines(): pieces such as U+2028 are lines of their own in Google's files.
        # Not strip() either, which takes U+2028 off too.
        pieces = [line.strip(" \t\r") for line in text.removeprefix("\ufeff").split("\n")]
        # Lines inside count, as ids are line numbers; those at the end would be ids for nothing.
        while pieces and not pieces[-1]:
            pieces.pop()
        if not pieces:
            raise InputError(f"{path}: the vocabulary is empty; it needs one word piece a line")
        # The last of equal lines wins, as in Google's and transformers' readers; no other line
        # may move, for ids are line numbers.
        piece_to_id = {piece: id_ for id_, piece in enumerate(pieces)}
        missing = [piece for piece in SPECIAL_PIECES if piece not in piece_to_id]
        if missing:
            raise InputError(
                f"{path}: {', '.join(missing)} missing; a BERT vocabulary holds each of "
                f"{', '.join(SPECIAL_PIECES)} on a line of its own"
            )
        if piece_to_id["[PAD]"] != 0:
            raise InputError(
                f"{path}, line {piece_to_id['[PAD]'] + 1}: [PAD] must be the first line (id 0)"
            )
        return cls(
            pieces=tuple(pieces),
            pad_id=piece_to_id["[PAD]"],
            unk_id=piece_to_id["[UNK]"],
            cls_id=piece_to_id["[CLS]"],
            sep_id=piece_to_id["[SEP]"],
            mask_id=piece_to_id["[MASK]"],
            sha256=hashlib.sha256(content).hexdigest(),
        )
