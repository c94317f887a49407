"""How sentences are truncated, equal in training and evaluation."""

from dataclasses import dataclass

from components.shared.bert.config import expect_positions
from components.shared.errors import InputError

# [CLS], two [SEP], and a word piece of each sentence.
_FEWEST_TOKENS = 5


@dataclass(frozen=True, kw_only=True)
class SentenceConfig:
    """The settings of google-research/bert's run_classifier."""

    max_length_tokens: int = 128
    """Maximum tokens of a sentence or pair; the longer sentence of a pair is truncated first."""

    def __post_init__(self) -> None:
        if self.max_length_tokens < _FEWEST_TOKENS:
            raise InputError(
                f"max_length_tokens must be {_FEWEST_TOKENS} or more, got {self.max_length_tokens}"
            )

    def expect_room(self, max_position_embeddings: int) -> None:
        """Compare the sentences' length with a model's positions.

        Raises:
            InputError: if a sentence may be longer.
        """
        expect_positions("max_length_tokens", self.max_length_tokens, max_position_embeddings)
