"""Masking: exact at the extremes, statistical in between, the same wherever it is drawn."""

from pathlib import Path

import numpy as np
import pytest

from components.pretrain.masking import mask_tokens
from components.shared.tokens.vocabulary import Vocabulary

# Ids 5 to 89 begin a word, 90 to 99 continue one.
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(85))]
PIECES += [f"##{i}" for i in range(10)]
CLS, SEP, MASK = 2, 3, 4


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory) -> Vocabulary:
    path: Path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return Vocabulary.read(path)


def mask(vocabulary, token_ids, sequence_ids, **changes):
    settings = {"epoch": 0, "seed": 1, "mask_rate": 0.15, "max_predictions": 20} | changes
    settings.setdefault("row_ids_B", np.arange(len(token_ids)))
    return mask_tokens(
        np.asarray(token_ids), np.asarray(sequence_ids), vocabulary=vocabulary, **settings
    )


def rows_of_ordinary_tokens(count: int, length: int):
    token_ids = np.random.default_rng(0).integers(5, 100, (count, length))
    token_ids[:, 0], token_ids[:, -1] = CLS, SEP
    return token_ids, np.ones((count, length), int)


def test_at_rate_one_every_ordinary_token_is_predicted(vocabulary):
    """[CLS], [SEP] and padding never are."""
    masked = mask(vocabulary, [[CLS, 10, SEP, 11, SEP, 0]], [[1, 1, 1, 1, 1, 0]], mask_rate=1.0)

    assert masked.weights_BP.tolist() == [[1, 1, 0, 0, 0, 0]]
    assert masked.positions_BP.tolist() == [[1, 3, 0, 0, 0, 0]]
    assert masked.targets_BP.tolist() == [[10, 11, 0, 0, 0, 0]]
    assert masked.token_ids_BL[0, [0, 2, 4, 5]].tolist() == [CLS, SEP, SEP, 0]


def test_each_sequence_of_a_row_has_its_own_share(vocabulary):
    """round(0.15 * 20) = 3 and round(0.15 * 4) = 1, so 4 in this row."""
    token_ids = [[CLS, *[10] * 18, SEP, CLS, 11, 12, SEP]]
    masked = mask(vocabulary, token_ids, [[1] * 20 + [2] * 4])

    predicted = masked.positions_BP[masked.weights_BP > 0]

    assert (predicted < 20).sum() == 3
    assert (predicted >= 20).sum() == 1


def test_a_surplus_is_left_out_at_random(vocabulary):
    """No row has more predictions than max_predictions."""
    token_ids, sequence_ids = rows_of_ordinary_tokens(4, 50)
    masked = mask(vocabulary, token_ids, sequence_ids, mask_rate=0.5, max_predictions=7)

    assert masked.positions_BP.shape == (4, 7)
    assert masked.weights_BP.sum(axis=1).tolist() == [7] * 4


def test_eighty_percent_become_mask_ten_percent_random(vocabulary):
    """Devlin et al. 2019, §3.1, to within four standard deviations."""
    token_ids, sequence_ids = rows_of_ordinary_tokens(400, 128)
    masked = mask(vocabulary, token_ids, sequence_ids)

    now = np.take_along_axis(masked.token_ids_BL, masked.positions_BP, axis=1)
    count = int(masked.weights_BP.sum())
    became_mask = (now == MASK).sum() / count
    unchanged = ((now == masked.targets_BP) & (masked.weights_BP > 0)).sum() / count

    assert count == 400 * 19
    # Of the random tokens a hundredth is [MASK], a hundredth the same again.
    assert became_mask == pytest.approx(0.801, abs=4 * (0.8 * 0.2 / count) ** 0.5)
    assert unchanged == pytest.approx(0.101, abs=4 * (0.1 * 0.9 / count) ** 0.5)


def test_unchosen_tokens_stay(vocabulary):
    """Only predicted positions differ from the input."""
    token_ids, sequence_ids = rows_of_ordinary_tokens(8, 64)
    masked = mask(vocabulary, token_ids, sequence_ids)

    changed = masked.token_ids_BL != token_ids
    predicted = np.zeros_like(changed)
    np.put_along_axis(predicted, masked.positions_BP, True, axis=1)

    assert changed.any()
    assert not (changed & ~predicted).any()
    np.testing.assert_array_equal(
        np.take_along_axis(token_ids, masked.positions_BP, axis=1)[masked.weights_BP > 0],
        masked.targets_BP[masked.weights_BP > 0],
    )


def test_a_rows_draw_does_not_depend_on_its_batch(vocabulary):
    """Row 5 is masked alike alone and among others: on any number of workers."""
    token_ids, sequence_ids = rows_of_ordinary_tokens(8, 64)
    together = mask(vocabulary, token_ids, sequence_ids)
    alone = mask(vocabulary, token_ids[5:6], sequence_ids[5:6], row_ids_B=np.array([5]))

    np.testing.assert_array_equal(together.token_ids_BL[5], alone.token_ids_BL[0])


@pytest.mark.parametrize("change", [{"epoch": 1}, {"seed": 2}, {"row_ids_B": np.arange(8) + 1}])
def test_epoch_seed_and_row_each_change_the_draw(vocabulary, change):
    """The same text is masked anew each time it is seen."""
    token_ids, sequence_ids = rows_of_ordinary_tokens(8, 64)
    before = mask(vocabulary, token_ids, sequence_ids)
    after = mask(vocabulary, token_ids, sequence_ids, **change)

    assert (before.positions_BP != after.positions_BP).any()


def test_whole_words_are_chosen_or_left(vocabulary):
    """20 rows of words of three pieces: round(0.15 * 64) = 10 gives three words of each."""
    token_ids = np.array([[CLS, *[10, 95, 96] * 20, 11, 97, SEP]] * 20)
    masked = mask(vocabulary, token_ids, np.ones_like(token_ids), whole_word_masking=True)

    for positions, weights in zip(masked.positions_BP, masked.weights_BP, strict=True):
        chosen = set(positions[weights > 0].tolist())
        words = {(position - 1) // 3 for position in chosen}
        whole = {3 * word + 1 + i for word in words for i in range(3)} - {63}
        assert chosen == whole
        # Three words of three, or with the one of two pieces another two of three.
        assert len(chosen) in (9, 8)


def test_a_word_that_would_exceed_the_share_is_skipped(vocabulary):
    """One of 8 tokens is to be predicted: never a piece of the word of three."""
    token_ids = np.array([[CLS, 10, 95, 96, 11, 12, SEP, 0]] * 200)
    sequence_ids = (token_ids > 0).astype(int)
    masked = mask(vocabulary, token_ids, sequence_ids, whole_word_masking=True)

    assert (masked.weights_BP.sum(axis=1) == 1).all()
    assert set(masked.positions_BP[masked.weights_BP > 0].tolist()) == {4, 5}


def test_a_continuation_after_a_special_piece_is_a_word_of_its_own(vocabulary):
    """A text that was cut within a word."""
    token_ids = np.array([[CLS, 95, SEP, 96, SEP]] * 50)
    masked = mask(vocabulary, token_ids, np.ones_like(token_ids), whole_word_masking=True)

    assert (masked.weights_BP.sum(axis=1) == 1).all()
    assert set(masked.positions_BP[masked.weights_BP > 0].tolist()) == {1, 3}


def test_whole_words_of_one_piece_are_drawn_as_pieces_are(vocabulary):
    """Over several sequences a row, and where a row has a surplus."""
    token_ids = np.random.default_rng(0).integers(5, 90, (8, 64))
    token_ids[:, [0, 40]], token_ids[:, [39, 63]] = CLS, SEP
    sequence_ids = np.repeat([[1] * 40 + [2] * 24], 8, axis=0)

    for most in (20, 7):
        settings = {"max_predictions": most, "mask_rate": 0.15}
        pieces = mask(vocabulary, token_ids, sequence_ids, **settings)
        words = mask(vocabulary, token_ids, sequence_ids, **settings, whole_word_masking=True)
        np.testing.assert_array_equal(pieces.token_ids_BL, words.token_ids_BL)
        np.testing.assert_array_equal(pieces.positions_BP, words.positions_BP)
