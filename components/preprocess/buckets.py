"""Buckets: documents that meet by chance, and are paired and packed with one another."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from components.preprocess.documents import Document
from components.preprocess.hashing import hash_64, random_for
from components.preprocess.packing import make_row, pack_pairs
from components.preprocess.pairs import Pair, pair_document
from components.preprocess.shards import Row
from components.shared.records import encode_row
from components.shared.vocabulary import Vocabulary


@dataclass(frozen=True)
class RowSettings:
    """What decides how documents become rows."""

    lengths: Sequence[int]
    short_sequence_rate: float
    num_duplicates: int
    seed: int
    vocabulary: Vocabulary


def choose_bucket(document: Document, num_buckets: int, seed: int) -> int:
    """The bucket of a document: copies of a text get the same one."""
    return hash_64(seed, "bucket", document.text_hash) % num_buckets


def drop_copies(documents: Iterable[Document]) -> list[Document]:
    """Documents in the order of their ids, one of each text."""
    text_hash_to_document: dict[int, Document] = {}
    for document in sorted(documents):
        text_hash_to_document.setdefault(document.text_hash, document)
    return list(text_hash_to_document.values())


def make_rows(
    documents: Sequence[Document], bucket: int, length: int, settings: RowSettings
) -> Iterator[Row]:
    """The rows of one length that the documents of a bucket give."""
    pairs = [
        pair
        for duplicate in range(settings.num_duplicates)
        for index, document in enumerate(documents)
        for pair in pair_document(
            documents,
            index,
            length=length,
            short_sequence_rate=settings.short_sequence_rate,
            rng=random_for(settings.seed, document.page_id, duplicate, length),
        )
    ]
    # Without this, a row would hold what stands together in one article.
    random_for(settings.seed, "pack", bucket, length).shuffle(pairs)
    for number, row in enumerate(pack_pairs(pairs, length)):
        order = hash_64(settings.seed, "row", bucket, length, number)
        yield _encode(row, order, documents, settings.vocabulary)


def _encode(
    pairs: Sequence[Pair], order: int, documents: Sequence[Document], vocabulary: Vocabulary
) -> Row:
    row = make_row(pairs, documents, vocabulary)
    return Row(order, len(pairs), len(row.token_ids), encode_row(row))
