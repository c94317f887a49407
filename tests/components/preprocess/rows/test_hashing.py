from components.preprocess.rows.hashing import hash_64, random_for


def test_hash_is_the_same_everywhere():
    """The value must not change between machines or releases: datasets depend on it."""
    assert hash_64("row", 1, 2) == hash_64("row", 1, 2)
    assert hash_64("row", 12) != hash_64("row", 1, 2)
    assert 0 <= hash_64() < 2**64


def test_chance_depends_on_what_it_is_for():
    """Equal parts give equal numbers, other parts others."""
    assert random_for(1, "a").random() == random_for(1, "a").random()
    assert random_for(1, "a").random() != random_for(1, "b").random()
