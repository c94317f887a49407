"""Which documents meet in a bucket, and the rows that a bucket gives."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from components.preprocess.batches import CORPORA
from components.preprocess.config import GOOGLE, PACKED
from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.documents import Document
from components.preprocess.rows.hashing import hash_64, hash_counting, random_for
from components.preprocess.rows.masks import mask_sequence, pad_instance
from components.preprocess.rows.packing import count_tokens, encode_rows, pack_sequences
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


def make_rows(bucket: Bucket, length: int, settings: RowSettings) -> Iterator[Row]:
    """The rows of one length that the documents of a bucket give, in the settings' format."""
    make = _make_instances if settings.format == GOOGLE else _make_packed
    orders = hash_counting(settings.seed, "row", bucket.number, length)
    for record, order in zip(make(bucket, length, settings), orders, strict=False):
        yield Row(order, *record)


# The sequences of a record, its real tokens by corpus, and the record.
_Record: TypeAlias = tuple[int, tuple[int, ...], bytes]


def _make_packed(bucket: Bucket, length: int, settings: RowSettings) -> Iterator[_Record]:
    pairs = (
        pair
        for index, duplicate in _list_passes(bucket.documents, settings)
        for pair in _pair(bucket, index, duplicate, length, settings)
    )
    pairs_N6 = np.fromiter(pairs, np.dtype((np.int64, 6)))
    # Without this, a row would hold what stands together in one article.
    order = list(range(len(pairs_N6)))
    random_for(settings.seed, "pack", bucket.number, length).shuffle(order)
    pairs_N6 = pairs_N6[order]
    rows = pack_sequences(count_tokens(pairs_N6), length)
    yield from encode_rows(rows, pairs_N6, bucket, settings.vocabulary)


def _make_instances(bucket: Bucket, length: int, settings: RowSettings) -> Iterator[_Record]:
    vocabulary = settings.vocabulary
    max_predictions = settings.max_predictions[length]
    for index, duplicate in _list_passes(bucket.documents, settings):
        document = bucket.documents[index]
        rng = random_for(settings.seed, "mask", document.id, duplicate, length)
        for _, *spans, label in _pair(bucket, index, duplicate, length, settings):
            a_start, a_end, b_start, b_end = spans
            a, b = bucket.pieces[a_start:a_end], bucket.pieces[b_start:b_end]
            token_ids = [vocabulary.cls_id, *a, vocabulary.sep_id, *b, vocabulary.sep_id]
            masked = mask_sequence(
                token_ids,
                vocabulary=vocabulary,
                mask_rate=settings.mask_rate,
                max_predictions=max_predictions,
                whole_word_masking=settings.whole_word_masking,
                rng=rng,
            )
            instance = pad_instance(
                masked,
                first_length=len(a) + 2,  # with [CLS] and [SEP]
                label=label,
                length=length,
                max_predictions=max_predictions,
            )
            num_tokens = [0] * len(CORPORA)
            num_tokens[document.corpus] = len(token_ids)
            yield 1, tuple(num_tokens), encode_instance(instance)


def _list_passes(documents: Sequence[Document], settings: RowSettings) -> Iterator[tuple[int, int]]:
    """Index and duplicate of each pass over a document."""
    return (
        (index, duplicate)
        for duplicate in range(max(settings.num_duplicates))
        for index, document in enumerate(documents)
        if duplicate < settings.num_duplicates[document.corpus]
    )


def _pair(
    bucket: Bucket, index: int, duplicate: int, length: int, settings: RowSettings
) -> Iterator[Pair]:
    return pair_document(
        bucket,
        index,
        length=length,
        short_sequence_rate=settings.short_sequence_rate,
        rng=random_for(settings.seed, bucket.documents[index].id, duplicate, length),
    )
