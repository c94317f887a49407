import numpy as np
import pytest

from components.preprocess.rows.random_bits import RandomBits


def test_bits_depend_on_what_they_are_for():
    """Equal parts give equal numbers, other parts others."""
    assert RandomBits(1, "a").draw(3).tolist() == RandomBits(1, "a").draw(3).tolist()
    assert RandomBits(1, "a").draw(3).tolist() != RandomBits(1, "b").draw(3).tolist()


def test_bits_are_the_same_everywhere():
    """NumPy promises the stream of its generator; datasets depend on it."""
    assert RandomBits("row", 1).draw(2).tolist() == [15267168355814330697, 6436071480243270284]


def test_numbers_below_are_spread_evenly():
    """Each count has its own range; below 0 and below 1 there is only 0."""
    counts = np.repeat([0, 1, 4, 3_000_000_000], 4000)

    drawn = RandomBits(1).draw_below(counts).reshape(4, 4000)

    assert not drawn[:2].any()
    assert np.bincount(drawn[2]) == pytest.approx([1000] * 4, abs=120)
    assert drawn[3].max() < 3_000_000_000
    assert drawn[3].mean() == pytest.approx(1_500_000_000, rel=0.05)


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0), (0.25, 1000), (1.0, 4000)])
def test_chances_are_true_at_their_rate(rate, expected):
    """Never at 0, always at 1."""
    tolerance = 0 if rate in (0.0, 1.0) else 120

    assert RandomBits(1).draw_chances(4000, rate).sum() == pytest.approx(expected, abs=tolerance)


def test_half_of_the_coins_fall_heads():
    """Mean and variance are those of fair coins, also of more than 64."""
    counts = np.repeat([0, 1, 64, 65, 200], 2000)

    heads = RandomBits(1).draw_heads(counts).reshape(5, 2000)

    assert not heads[0].any()
    for number, drawn in zip((1, 64, 65, 200), heads[1:], strict=True):
        assert 0 <= drawn.min() <= drawn.max() <= number
        assert drawn.mean() == pytest.approx(number / 2, rel=0.05)
        assert drawn.var() == pytest.approx(number / 4, rel=0.1)


def test_every_coin_is_tossed(monkeypatch):
    """If every bit is 1, every coin falls heads."""
    bits = RandomBits(1)
    monkeypatch.setattr(bits, "draw", lambda count: np.full(count, 2**64 - 1, dtype=np.uint64))
    counts = np.array([0, 1, 63, 64, 65, 128, 200])

    assert bits.draw_heads(counts).tolist() == counts.tolist()
