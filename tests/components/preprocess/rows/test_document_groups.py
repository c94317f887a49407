from array import array
from dataclasses import replace
from itertools import accumulate, pairwise
from unittest.mock import patch

import pytest

from components.preprocess.batches import DUMP, TEXT
from components.preprocess.config import GOOGLE, PACKED
from components.preprocess.rows import document_groups
from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.document_groups import (
    RowSettings,
    choose_bucket,
    drop_copies,
    make_rows,
)
from components.preprocess.rows.documents import Document
from components.shared.dataset.google_records import decode_instance
from components.shared.dataset.packed_rows import decode_row
from tests.records import read_block


def make_document(id_, text_hash=None, corpus=DUMP):
    pieces = array("I", range(id_ * 100, id_ * 100 + 60))
    ends = array("I", range(6, 61, 6))
    return Document(corpus, id_, id_ if text_hash is None else text_hash, pieces, ends)


@pytest.fixture
def row_settings(vocabulary):
    return RowSettings(
        lengths=(32,), short_sequence_rate=0.1, num_duplicates=(2, 2), seed=1, vocabulary=vocabulary
    )


def test_copies_of_a_text_meet_in_one_bucket(row_settings):
    """The bucket depends on the text, so copies are found without a look at the others."""
    one, copy = make_document(1, text_hash=5), make_document(2, text_hash=5)

    assert choose_bucket(one, 1000, row_settings) == choose_bucket(copy, 1000, row_settings)


def test_buckets_are_about_equally_full(row_settings):
    """Hashing spreads documents."""
    buckets = [choose_bucket(make_document(page), 4, row_settings) for page in range(400)]

    assert all(70 < buckets.count(bucket) < 130 for bucket in range(4))


def test_held_out_documents_meet_in_buckets_of_their_own(row_settings):
    """As many as the rate says, the same ones with another seed."""
    documents = [make_document(page) for page in range(1000)]
    settings = replace(row_settings, held_out_rate=0.1)

    def choose(settings):
        return {one.id for one in documents if choose_bucket(one, 20, settings) >= 20}

    held_out = choose(settings)
    buckets = {choose_bucket(one, 20, settings) for one in documents}

    assert 70 < len(held_out) < 130
    assert buckets == set(range(22))
    assert choose(replace(settings, seed=2)) == held_out
    assert choose(row_settings) == set()


def test_first_of_several_copies_stays():
    """Of equal texts the one with the lowest page id is kept, wherever it comes from."""
    documents = [make_document(3), make_document(2, text_hash=1), make_document(1)]

    kept = drop_copies(documents)

    assert [document.id for document in kept] == [1, 3]


def test_of_copies_in_two_corpora_the_dumps_stays():
    """Whatever their ids: those of other text are hashes."""
    documents = [make_document(1, text_hash=7, corpus=TEXT), make_document(5, text_hash=7)]

    (kept,) = drop_copies(documents)

    assert (kept.corpus, kept.id) == (DUMP, 5)


def list_records(bucket, settings):
    return [record for block in make_rows(bucket, 32, settings) for record in read_block(block)]


def test_duplicates_pair_anew(row_settings):
    """Two passes over the documents give about twice the tokens, in other pairs."""
    documents = [make_document(page) for page in range(1, 20)]

    rows = list(map(decode_row, list_records(Bucket(0, documents), row_settings)))

    sequences = set()
    for row in rows:
        start = 0
        for length in row.sequence_lengths:
            sequences.add(tuple(row.token_ids[start : start + length]))
            start += length
    num_pieces = sum(len(one.piece_ids) for one in documents)
    assert sum(len(row.token_ids) for row in rows) > 1.5 * num_pieces
    assert len(sequences) > 0.9 * sum(len(row.sequence_lengths) for row in rows)


@pytest.mark.parametrize("row_format", [PACKED, GOOGLE])
def test_equal_input_gives_equal_rows(row_settings, row_format):
    """All chance comes from the seed, the bucket's number and the length."""
    documents = [make_document(page) for page in range(1, 20)]
    settings = replace(row_settings, format=row_format, max_predictions={32: 5})

    first, second = (list(make_rows(Bucket(3, documents), 32, settings)) for _ in range(2))
    other_seed = list(make_rows(Bucket(3, documents), 32, replace(settings, seed=2)))
    other_bucket = list(make_rows(Bucket(4, documents), 32, settings))

    for one, same, *others in zip(first, second, other_seed, other_bucket, strict=True):
        assert one.data.tobytes() == same.data.tobytes()
        assert one.orders.tolist() == same.orders.tolist()
        assert all(one.data.tobytes() != other.data.tobytes() for other in others)
        assert all(one.orders[0] != other.orders[0] for other in others)


@pytest.mark.parametrize("row_format", [PACKED, GOOGLE])
def test_rows_tell_their_counts(row_settings, row_format):
    """What a block says of its rows is what their records hold."""
    bucket = Bucket(0, [make_document(1), make_document(2, corpus=TEXT)])
    settings = replace(row_settings, format=row_format, max_predictions={32: 5})

    for block in make_rows(bucket, 32, settings):
        records = read_block(block)
        assert len(records) == len(block.orders) == len(block.num_sequences)
        for record, num_sequences, num_tokens in zip(
            records, block.num_sequences, block.num_tokens, strict=True
        ):
            if row_format == GOOGLE:
                expected = (sum(decode_instance(record, source="a row").input_mask), 1)
            else:
                row = decode_row(record)
                expected = (len(row.token_ids), len(row.sequence_lengths))
            assert (num_tokens.sum(), num_sequences) == expected


def test_a_corpus_is_paired_as_often_as_its_setting_says(row_settings):
    """Three passes over one corpus and one over the other give three times the tokens."""
    documents = [make_document(id_, corpus=id_ % 2) for id_ in range(1, 401)]
    weighted = replace(row_settings, num_duplicates=(1, 3))

    blocks = list(make_rows(Bucket(0, documents), 32, weighted))

    dump_tokens, text_tokens = sum(block.num_tokens.sum(axis=0) for block in blocks)
    assert text_tokens == pytest.approx(3 * dump_tokens, rel=0.05)


def test_passes_are_of_those_documents_alone(row_settings):
    """A document of a corpus without a pass supplies no first segment."""
    documents = [make_document(id_, corpus=id_ % 2) for id_ in range(1, 9)]
    settings = replace(row_settings, num_duplicates=(0, 1))

    [block] = make_rows(Bucket(0, documents), 32, settings)

    assert block.num_tokens[:, DUMP].sum() == 0
    assert block.num_tokens[:, TEXT].sum() > 0


@pytest.mark.parametrize("row_format", [PACKED, GOOGLE])
def test_no_documents_give_no_rows(row_settings, row_format):
    """A sample of a dump may hold redirects alone."""
    settings = replace(row_settings, format=row_format, max_predictions={32: 5})

    assert list(make_rows(Bucket(0, []), 32, settings)) == []


def test_a_row_mixes_articles(row_settings):
    """Neighbors in a row rarely come from one article or the next."""
    documents = [make_document(page) for page in range(1, 40)]
    settings = replace(row_settings, short_sequence_rate=1.0)

    rows = map(decode_row, list_records(Bucket(0, documents), settings))

    firsts = [
        [row.token_ids[start + 1] // 100 for start in accumulate((0, *row.sequence_lengths[:-1]))]
        for row in rows
        if len(row.sequence_lengths) > 1
    ]
    are_neighbors = [abs(a - b) <= 1 for one in firsts for a, b in pairwise(one)]
    assert len(are_neighbors) > 50
    assert sum(are_neighbors) < 0.3 * len(are_neighbors)


def test_each_pass_is_masked_anew(row_settings):
    """Two duplicates, buckets or seeds mask different pieces of the same pairs."""
    documents = [make_document(page) for page in range(1, 20)]
    settings = replace(row_settings, format=GOOGLE, max_predictions={32: 5})
    [pairs, _] = [pairs for _, pairs in document_groups._pair(Bucket(0, documents), 32, settings)]

    def list_masks(number, settings):
        with patch.object(document_groups, "_pair", lambda *_: enumerate([pairs, pairs])):
            blocks = make_rows(Bucket(number, documents), 32, settings)
            instances = [decode_instance(one, source="") for b in blocks for one in read_block(b)]
        return [tuple(one.masked_lm_positions) for one in instances]

    masks = list_masks(0, settings)
    half = len(masks) // 2
    assert masks[:half] != masks[half:]
    assert masks != list_masks(1, settings)
    assert masks != list_masks(0, replace(settings, seed=2))
