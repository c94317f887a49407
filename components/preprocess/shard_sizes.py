"""How many shards a dataset gets, so that each is of a size that trainers read well.

What a corpus gives is known only once it is made, and differs: a wiki of short articles and
many redirects gives a third of what long articles give. So some documents are made into rows
beforehand, where there is enough text for it to matter.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from components.preprocess.batches import CORPORA, Batch, RecordBatch
from components.preprocess.config import GOOGLE, PACKED
from components.preprocess.corpora import Corpora, read_batches
from components.preprocess.dump.files import Dump
from components.preprocess.rows.batch_tokenizer import BatchTokenizer
from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.document_groups import RowSettings, drop_copies, make_rows
from components.preprocess.rows.documents import make_documents
from components.preprocess.rows.shards import ShardSet
from components.preprocess.text.guard import GuardedReader
from components.preprocess.text_files.files import TextFiles
from components.shared.tokens.tokenizer import WordPieceTokenizer

# In the middle of 100 to 200 MB, since a sample tells only about how much there will be.
_SHARD_BYTES = 140_000_000
# Nothing gives more records than this many bytes for a byte of XML in one pass, at any length.
_MOST_RECORD_BYTES = {PACKED: 0.6, GOOGLE: 2.0}
# About a megabyte each, from all over a corpus: pages that are old are long.
_NUM_SAMPLES = 16
_SAMPLED_PART_BYTES = 1 << 18


def count_shards(
    corpora: Corpora, settings: RowSettings, *, lowercase: bool, least: int
) -> dict[ShardSet, int]:
    """How many shards each length gets: the same for the same corpora and settings.

    Args:
        corpora: what the rows are made of.
        settings: how they are made.
        lowercase: whether text is made lower case without accents.
        least: no fewer than these.
    """
    index_to_bytes = {
        index: corpus.estimated_bytes
        * settings.num_duplicates[index]
        * (1 - settings.held_out_rate)
        for index, corpus in corpora.given.items()
    }
    most = sum(index_to_bytes.values()) * _MOST_RECORD_BYTES[settings.format]
    if most <= least * _SHARD_BYTES:
        return _with_held_out(dict.fromkeys(settings.lengths, least), settings)
    record_bytes = dict.fromkeys(settings.lengths, 0.0)
    for index, corpus in corpora.given.items():
        length_to_rate = _measure_records(corpus, settings, lowercase=lowercase)
        for length, rate in length_to_rate.items():
            record_bytes[length] += index_to_bytes[index] * rate
    return _with_held_out(
        {
            length: max(least, round(num_bytes / _SHARD_BYTES))
            for length, num_bytes in record_bytes.items()
        },
        settings,
    )


def _with_held_out(
    length_to_count: Mapping[int, int], settings: RowSettings
) -> dict[ShardSet, int]:
    counts = {ShardSet(length): count for length, count in length_to_count.items()}
    if settings.held_out_rate:
        for length, count in length_to_count.items():
            held_out = ShardSet(length, is_held_out=True)
            counts[held_out] = math.ceil(count * settings.held_out_rate)
    return counts


def _measure_records(
    corpus: Dump | TextFiles, settings: RowSettings, *, lowercase: bool
) -> dict[int, float]:
    """Bytes of records of each length that a byte of a corpus gives in one pass."""
    tokenizer = BatchTokenizer(WordPieceTokenizer(settings.vocabulary, lowercase=lowercase))
    reader = GuardedReader(settings.splitter)
    once = replace(settings, num_duplicates=(1,) * len(CORPORA))
    num_bytes, length_to_num_bytes = 0, dict.fromkeys(settings.lengths, 0)
    try:
        # A batch at a time, so that the sample takes no more memory than the run.
        for batch in _sample(corpus):
            num_bytes += _count_bytes(batch)
            articles = [one for one in reader.read(batch) if not isinstance(one, str)]
            made = make_documents(articles, tokenizer)
            bucket = Bucket(0, drop_copies([one for one in made if one]))
            for length in settings.lengths:
                for block in make_rows(bucket, length, once):
                    length_to_num_bytes[length] += len(block.data)
    finally:
        reader.close()
    return {
        length: record_bytes / max(1, num_bytes)
        for length, record_bytes in length_to_num_bytes.items()
    }


def _count_bytes(batch: Batch) -> int:
    if isinstance(batch, RecordBatch):
        return sum(len(record.data) for record in batch.items)
    return sum(map(len, batch.items))


def _sample(corpus: Dump | TextFiles) -> Iterator[Batch]:
    """Batches of documents from parts that lie evenly over a corpus."""
    parts = corpus.cut(_SAMPLED_PART_BYTES)
    chosen = parts[:: math.ceil(len(parts) / _NUM_SAMPLES)]
    for part in chosen:
        yield from islice(read_batches(part), math.ceil(_NUM_SAMPLES / len(chosen)))
