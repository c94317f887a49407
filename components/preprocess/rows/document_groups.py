"""Buckets: documents that meet by chance, and are paired with one another."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from components.preprocess.batches import CORPORA
from components.preprocess.config import GOOGLE, PACKED
from components.preprocess.rows.documents import Document
from components.preprocess.rows.hashing import hash_64, random_for
from components.preprocess.rows.masks import mask_sequence, pad_instance
from components.preprocess.rows.packing import encode_ids, encode_pairs, list_tokens, pack_pairs
from components.preprocess.rows.pairs import Pair, pair_document
from components.preprocess.rows.shards import Row
from components.preprocess.text.sentences import SentenceSplitter
from components.shared.dataset.google_records import encode_instance
from components.shared.tokens.vocabulary import Vocabulary


@dataclass(frozen=True)
class RowSettings:
    """What decides how documents become rows."""

    lengths: Sequence[int]
    short_sequence_rate: float
    num_duplicates: Sequence[int]
    """By corpus."""
    seed: int
    vocabulary: Vocabulary
    held_out_rate: float = 0.0
    """Of the documents."""
    splitter: SentenceSplitter = field(default_factory=SentenceSplitter)
    format: str = PACKED
    # Of Google's format only; max_predictions by length.
    mask_rate: float = 0.15
    max_predictions: Mapping[int, int] = field(default_factory=dict)
    whole_word_masking: bool = False


def choose_bucket(document: Document, num_buckets: int, settings: RowSettings) -> int:
    """The bucket of a document: copies of a text get the same one.

    Documents that are held out meet in buckets after the others, so that none is a random next
    sentence of a document that is trained on, or the other way round.
    """
    bucket = hash_64(settings.seed, "bucket", document.text_hash)
    # Without the seed: runs with other seeds hold out the same documents.
    if hash_64("held out", document.text_hash) < settings.held_out_rate * 2**64:
        return num_buckets + bucket % count_held_out_buckets(num_buckets, settings)
    return bucket % num_buckets


def count_held_out_buckets(num_buckets: int, settings: RowSettings) -> int:
    """Buckets for the documents that are held out, about as full as the others."""
    return math.ceil(num_buckets * settings.held_out_rate)


def drop_copies(documents: Iterable[Document]) -> list[Document]:
    """Documents in the order of their ids, one of each text."""
    text_hash_to_document: dict[int, Document] = {}
    for document in sorted(documents):
        text_hash_to_document.setdefault(document.text_hash, document)
    return list(text_hash_to_document.values())


def make_rows(
    documents: Sequence[Document], bucket: int, length: int, settings: RowSettings
) -> Iterator[Row]:
    """The rows of one length that the documents of a bucket give, in the settings' format."""
    make = _make_instances if settings.format == GOOGLE else _make_packed
    for number, (num_sequences, num_tokens, record) in enumerate(
        make(documents, bucket, length, settings)
    ):
        order = hash_64(settings.seed, "row", bucket, length, number)
        yield Row(order, num_sequences, num_tokens, record)


# The sequences of a record, its real tokens by corpus, and the record.
_Record: TypeAlias = tuple[int, tuple[int, ...], bytes]


def _make_packed(
    documents: Sequence[Document], bucket: int, length: int, settings: RowSettings
) -> Iterator[_Record]:
    pairs = [
        pair
        for index, duplicate in _list_passes(documents, settings)
        for pair in _pair(documents, index, duplicate, length, settings)
    ]
    # Without this, a row would hold what stands together in one article.
    random_for(settings.seed, "pack", bucket, length).shuffle(pairs)
    varints = [encode_ids(document.piece_ids) for document in documents]
    for packed in pack_pairs(pairs, length):
        record = encode_pairs(packed, varints, settings.vocabulary)
        yield len(packed), _count_tokens(packed, documents), record


def _make_instances(
    documents: Sequence[Document], _bucket: int, length: int, settings: RowSettings
) -> Iterator[_Record]:
    for index, duplicate in _list_passes(documents, settings):
        rng = random_for(settings.seed, "mask", documents[index].id, duplicate, length)
        for pair in _pair(documents, index, duplicate, length, settings):
            token_ids = list_tokens(pair, documents, settings.vocabulary)
            max_predictions = settings.max_predictions[length]
            masked = mask_sequence(
                token_ids,
                vocabulary=settings.vocabulary,
                mask_rate=settings.mask_rate,
                max_predictions=max_predictions,
                whole_word_masking=settings.whole_word_masking,
                rng=rng,
            )
            instance = pad_instance(masked, pair, length=length, max_predictions=max_predictions)
            yield 1, _count_tokens([pair], documents), encode_instance(instance)


def _count_tokens(pairs: Iterable[Pair], documents: Sequence[Document]) -> tuple[int, ...]:
    """Count the tokens of each corpus."""
    counts = [0] * len(CORPORA)
    for pair in pairs:
        counts[documents[pair.first.document].corpus] += len(pair)
    return tuple(counts)


def _list_passes(documents: Sequence[Document], settings: RowSettings) -> Iterator[tuple[int, int]]:
    """Index and duplicate of each pass over a document."""
    return (
        (index, duplicate)
        for duplicate in range(max(settings.num_duplicates))
        for index, document in enumerate(documents)
        if duplicate < settings.num_duplicates[document.corpus]
    )


def _pair(
    documents: Sequence[Document], index: int, duplicate: int, length: int, settings: RowSettings
) -> Iterator[Pair]:
    return pair_document(
        documents,
        index,
        length=length,
        short_sequence_rate=settings.short_sequence_rate,
        rng=random_for(settings.seed, documents[index].id, duplicate, length),
    )
