"""What the preprocess stage is given, and where it puts what it makes."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError

# [CLS] A [SEP] B [SEP] with a piece each for A and B.
_MIN_LENGTH = 5
_MIN_VOCABULARY_SIZE = 100


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig:
    """Turn a Wikipedia dump into packed rows of sentence pairs, as BERT is pretrained on."""

    dump_files: Path
    """Folder with the dump: one or more MediaWiki XML exports, plain, .bz2 or .gz."""
    given_vocabulary: Path | None = None
    """vocab.txt with one word piece a line; none or an empty file has one trained on the
    dump."""

    dataset: Path
    """Output: folder with the shards of each sequence length, and dataset.json."""
    vocabulary: Path
    """Output: the vocab.txt of the dataset, given or trained."""

    sequence_lengths: str = "128,512"
    """Tokens of a row, one dataset for each, separated by commas."""
    vocabulary_size: int = 30522
    """Word pieces of a vocabulary that is trained; a small dump may give fewer."""
    lowercase: bool = True
    """Lower case without accents (BERT uncased), or text as it is (BERT cased)."""
    short_sequence_rate: float = 0.1
    """Share of passes over a document that aim at a shorter sequence, 0 to 1."""
    num_duplicates: int = 2
    """How often each document is cut and paired anew. Masks are drawn while training, so
    fewer are needed than the 5 to 10 of pipelines that store them."""
    num_shards: int = 4
    """Least number of files for each sequence length; a large dump gives more."""
    seed: int = 12345
    """Equal seed, input, settings and versions give equal bytes."""
    num_workers: int = 0
    """Processes of the embedded runner; 0 is one for each core."""
    runner: str = "FnApiRunner"
    """Beam's runner by its name; FnApiRunner is the embedded one."""
    beam_options: str = ""
    """Further options for Beam, as on a shell's command line."""

    def __post_init__(self) -> None:
        """Refuse settings that can't work.

        Raises:
            InputError: if one is out of its range.
        """
        self.lengths()
        if not 0 <= self.short_sequence_rate <= 1:
            raise InputError(
                f"short_sequence_rate must be between 0 and 1, got {self.short_sequence_rate}; "
                "BERT uses 0.1"
            )
        if self.vocabulary_size < _MIN_VOCABULARY_SIZE:
            raise InputError(
                f"vocabulary_size must be at least {_MIN_VOCABULARY_SIZE}, got "
                f"{self.vocabulary_size}; BERT uses 30522"
            )
        for name, least in (("num_duplicates", 1), ("num_shards", 1), ("num_workers", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not self.runner:
            raise InputError("runner is empty; FnApiRunner is the embedded one")

    def lengths(self) -> tuple[int, ...]:
        """The sequence lengths as numbers, ascending.

        Raises:
            InputError: if they are not whole numbers that a sequence pair fits in.
        """
        try:
            lengths = {int(part) for part in self.sequence_lengths.split(",")}
        except ValueError:
            raise InputError(
                "sequence_lengths must be whole numbers separated by commas, got "
                f"{self.sequence_lengths!r}; BERT uses 128,512"
            ) from None
        if min(lengths) < _MIN_LENGTH:
            raise InputError(
                f"sequence_lengths must be at least {_MIN_LENGTH} each, got "
                f"{self.sequence_lengths!r}: a row holds [CLS] A [SEP] B [SEP]"
            )
        return tuple(sorted(lengths))
