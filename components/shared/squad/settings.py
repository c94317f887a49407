"""How SQuAD files are read and split into windows, equal in training and evaluation."""

from dataclasses import dataclass
from typing import Literal

from components.shared.bert.config import expect_positions
from components.shared.errors import InputError
from components.shared.stage.settings import Rare, expect_choices

# [CLS], [SEP], [SEP] and one word piece of the context.
_FEWEST_OTHER_TOKENS = 4


SquadVersion = Literal["auto", "1.1", "2.0"]


@dataclass(frozen=True, kw_only=True)
class SquadConfig:
    """How a SQuAD file is read."""

    squad_version: SquadVersion = "auto"
    """SQuAD version: 1.1 expects an answer to every question, 2.0 lets a question be impossible;
    auto is 2.0 if a file has an impossible question."""

    def __post_init__(self) -> None:
        expect_choices(self)


@dataclass(frozen=True, kw_only=True)
class SquadTrainingConfig(SquadConfig):
    """How a SQuAD file to train on is read."""

    max_bad_rate: Rare[float] = 0.05
    """Maximum fraction of the training questions to skip because their answer is not in the
    context."""

    def __post_init__(self) -> None:
        SquadConfig.__post_init__(self)
        if not 0 <= self.max_bad_rate <= 1:
            raise InputError(
                f"max_bad_rate must be between 0 and 1, got {self.max_bad_rate}; 0.05 suits most"
            )


@dataclass(frozen=True, kw_only=True)
class WindowConfig:
    """The settings of google-research/bert's run_squad."""

    max_length_tokens: int = 384
    """Tokens per window of question and context."""
    stride_tokens: int = 128
    """Tokens between the starts of two windows of a long context."""
    max_query_tokens: Rare[int] = 64
    """Maximum tokens of a question; longer questions are truncated."""

    def __post_init__(self) -> None:
        for name in ("max_length_tokens", "stride_tokens", "max_query_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, got {getattr(self, name)}")
        self._expect_context("max_length_tokens", self.max_length_tokens)

    def _expect_context(self, name: str, length_tokens: int) -> None:
        fewest = self.max_query_tokens + _FEWEST_OTHER_TOKENS
        if length_tokens < fewest:
            raise InputError(
                f"{name} {length_tokens} leaves no room for a context beside "
                f"max_query_tokens {self.max_query_tokens}; it must be at least {fewest}"
            )

    def expect_room(self, max_position_embeddings: int) -> None:
        """Compare the windows' length with a model's positions.

        Raises:
            InputError: if a window is longer.
        """
        expect_positions("max_length_tokens", self.max_length_tokens, max_position_embeddings)


@dataclass(frozen=True, kw_only=True)
class SpanConfig(WindowConfig):
    """How answers are chosen in windows, equal in evaluation and serving."""

    max_answer_length_tokens: Rare[int] = 30
    """Maximum length of an answer in word pieces."""
    n_best_size: Rare[int] = 20
    """How many start and end positions to consider per window, and answers to keep per question."""
    null_score_diff_threshold: float = 0.0
    """Only for SQuAD 2.0: give no answer if its score beats the best answer's by more than this."""

    def __post_init__(self) -> None:
        WindowConfig.__post_init__(self)
        for name in ("max_answer_length_tokens", "n_best_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, got {getattr(self, name)}")
