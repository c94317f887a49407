"""How a model's text becomes words: the settings beside a vocabulary, read without a tokenizer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.files.documents import describe, load_json
from components.shared.tokens.vocabulary import SPECIAL_PIECES

TOKENIZER_CONFIG = "tokenizer_config.json"
# transformers before version 5 writes added tokens to the first two, others to the last.
ADDED_TOKENS, SPECIAL_TOKENS = "added_tokens.json", "special_tokens_map.json"
TOKENIZER = "tokenizer.json"
# Settings of transformers that change word pieces or where they stand: the values under which
# they change nothing, of which the first is shown. Others are rejected.
_FIXED: Mapping[str, tuple[Any, ...]] = {
    "do_basic_tokenize": (True, None),
    "never_split": (None, []),
    "clean_text": (True, None),
    "wordpieces_prefix": ("##", None),
    "do_word_tokenize": (True, None),
    "word_tokenizer_type": ("basic", None),
    "do_subword_tokenize": (True, None),
    "subword_tokenizer_type": ("wordpiece", None),
    "padding_side": ("right", None),
    "truncation_side": ("right", None),
    "tokenizer_class": ("BertTokenizer", "BertTokenizerFast", None),
    "additional_special_tokens": ([], {}, None),
    "extra_special_tokens": ([], {}, None),
    "auto_map": (None, {}),
}
_TOKENS = dict(
    zip(
        ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"),
        SPECIAL_PIECES,
        strict=True,
    )
)


@dataclass(frozen=True, kw_only=True)
class Tokenization:
    """The steps before word pieces, under the names of transformers' BertTokenizer."""

    lowercase: bool
    """Written as do_lower_case."""
    strip_accents: bool | None = None
    """None: where text is lower-cased, as Google's."""
    tokenize_chinese_chars: bool = True
    """Whether each Chinese character is a word."""

    def fields(self) -> dict[str, Any]:
        """Those of a tokenizer_config.json."""
        return {
            "do_lower_case": self.lowercase,
            "strip_accents": self.strip_accents,
            "tokenize_chinese_chars": self.tokenize_chinese_chars,
        }


@dataclass(frozen=True)
class _File:
    do_lower_case: bool | None = None
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool = True
    added_tokens_decoder: dict[str, Any] | None = None


@dataclass(frozen=True)
class _TokenizerFile:
    added_tokens: list[dict[str, Any]] = field(default_factory=list)


def read_tokenization(folder: Path, *, lowercase: bool) -> Tokenization:
    """Read the tokenizer_config.json of a model's folder, if there is one, and what goes with it.

    Args:
        folder: of the model.
        lowercase: whether text is lower-cased where the file does not say.

    Raises:
        InputError: if one is broken, or asks for what this project's tokenizer does not do.
    """
    for path in (folder / TOKENIZER_CONFIG, folder / SPECIAL_TOKENS):
        if path.exists():
            _expect_supported(path, load_json(path, dict[str, Any]))
    path = folder / TOKENIZER_CONFIG
    file = load_json(path, _File) if path.exists() else _File()
    _expect_no_added(path, map(_content, (file.added_tokens_decoder or {}).values()))
    if (folder / ADDED_TOKENS).exists():
        _expect_no_added(folder / ADDED_TOKENS, load_json(folder / ADDED_TOKENS, dict[str, int]))
    if (folder / TOKENIZER).exists():
        tokenizer = load_json(folder / TOKENIZER, _TokenizerFile)
        _expect_no_added(folder / TOKENIZER, map(_content, tokenizer.added_tokens))
    return Tokenization(
        lowercase=lowercase if file.do_lower_case is None else file.do_lower_case,
        strip_accents=file.strip_accents,
        tokenize_chinese_chars=file.tokenize_chinese_chars,
    )


def _expect_supported(path: Path, given: Mapping[str, Any]) -> None:
    for name, allowed in _FIXED.items():
        if name in given and given[name] not in allowed:
            raise InputError(
                f"{path}: {name} {describe(given[name])} is not supported, only "
                f"{describe(allowed[0])}"
            )
    for name, piece in _TOKENS.items():
        if name in given and _content(given[name]) != piece:
            raise InputError(
                f"{path}: {name} must be {piece}, as in Google's vocabularies, got "
                f"{describe(given[name])}"
            )


def _content(token: Any) -> Any:
    """A token's text: transformers writes some as objects."""
    return token.get("content") if isinstance(token, dict) else token


def _expect_no_added(path: Path, tokens: Any) -> None:
    added = [token for token in tokens if token not in SPECIAL_PIECES]
    if added:
        raise InputError(
            f"{path}: the added token {describe(added[0])} is not supported; take a model whose "
            "word pieces are all in vocab.txt"
        )
