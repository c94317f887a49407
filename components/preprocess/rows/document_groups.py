"""Which documents meet in a bucket, and the rows that a bucket gives."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from components.preprocess.config import GOOGLE, PACKED
from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.documents import Document
from components.preprocess.rows.encoding import count_at_once, encode_rows
from components.preprocess.rows.hashing import hash_64, random_for
from components.preprocess.rows.masks import mask_sequence, pad_instance
from components.preprocess.rows.packing import pack_sequences
from components.preprocess.rows.pairs import Pairs, count_by_corpus, pair_documents
from components.preprocess.rows.random_bits import RandomBits
from components.preprocess.rows.row_blocks import RowBlock
from components.preprocess.text.sentences import SentenceSplitter
from components.shared.dataset.google_records import encode_instance
from components.shared.dataset.tfrecords import CRC_BYTES, HEADER_BYTES, frame_records
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


def make_rows(bucket: Bucket, length: int, settings: RowSettings) -> Iterator[RowBlock]:
    """The rows of one length that the documents of a bucket give, in the settings' format."""
    make = _make_instances if settings.format == GOOGLE else _make_packed
    return make(bucket, length, settings)


def _make_packed(bucket: Bucket, length: int, settings: RowSettings) -> Iterator[RowBlock]:
    passes = [pairs for _, pairs in _pair(bucket, length, settings)]
    if not passes:  # no documents, as in a sample of redirects
        return
    pairs = Pairs(*map(np.concatenate, zip(*passes, strict=True)))
    # Without this, a row would hold what stands together in one article.
    bits = RandomBits(settings.seed, "pack", bucket.number, length)
    order = np.argsort(bits.draw(len(pairs.labels)), kind="stable")
    pairs = pairs.choose(order)
    packing = pack_sequences(pairs.num_tokens, length)
    orders = RandomBits(settings.seed, "row", bucket.number, length).draw(len(packing.bounds) - 1)
    yield from encode_rows(packing, pairs, bucket, settings.vocabulary, orders, length=length)


def _make_instances(bucket: Bucket, length: int, settings: RowSettings) -> Iterator[RowBlock]:
    orders = RandomBits(settings.seed, "row", bucket.number, length)
    for duplicate, pairs in _pair(bucket, length, settings):
        rng = random_for(settings.seed, "mask", bucket.number, duplicate, length)
        for start in range(0, len(pairs.labels), count_at_once(length)):
            some = pairs.choose(slice(start, start + count_at_once(length)))
            instances = zip(*(column.tolist() for column in some), strict=True)
            records = [_make_instance(bucket, one, length, settings, rng) for one in instances]
            yield RowBlock(
                orders=orders.draw(len(records)),
                data=np.frombuffer(b"".join(frame_records(records)), np.uint8),
                sizes=np.array([HEADER_BYTES + len(record) + CRC_BYTES for record in records]),
                num_sequences=np.ones(len(records), dtype=np.int64),
                num_tokens=count_by_corpus(some, bucket),
            )


def _make_instance(
    bucket: Bucket, pair: tuple[int, ...], length: int, settings: RowSettings, rng: Random
) -> bytes:
    _, a_start, a_end, b_start, b_end, label = pair
    vocabulary = settings.vocabulary
    max_predictions = settings.max_predictions[length]
    a, b = bucket.pieces[a_start:a_end].tolist(), bucket.pieces[b_start:b_end].tolist()
    masked = mask_sequence(
        [vocabulary.cls_id, *a, vocabulary.sep_id, *b, vocabulary.sep_id],
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
    return encode_instance(instance)


def _pair(bucket: Bucket, length: int, settings: RowSettings) -> Iterator[tuple[int, Pairs]]:
    """Yield the number of each pass over the documents, and its pairs."""
    num_duplicates = np.array(settings.num_duplicates)[bucket.corpora]
    for duplicate in range(num_duplicates.max(initial=0)):
        pairs = pair_documents(
            bucket,
            duplicate < num_duplicates,
            length=length,
            short_sequence_rate=settings.short_sequence_rate,
            bits=RandomBits(settings.seed, "pair", bucket.number, duplicate, length),
        )
        yield duplicate, pairs
