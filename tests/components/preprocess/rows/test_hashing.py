from itertools import islice

from components.preprocess.rows.hashing import hash_64, hash_counting, random_for


def test_hash_is_the_same_everywhere():
    """The value must not change between machines or releases: datasets depend on it."""
    assert hash_64("row", 1, 2) == hash_64("row", 1, 2)
    assert hash_64("row", 12) != hash_64("row", 1, 2)
    assert 0 <= hash_64() < 2**64


def test_chance_depends_on_what_it_is_for():
    """Equal parts give equal numbers, other parts others."""
    assert random_for(1, "a").random() == random_for(1, "a").random()
    assert random_for(1, "a").random() != random_for(1, "b").random()


def test_counting_hashes_each_number_with_the_parts():
    """As if each were hashed by itself."""
    numbers = range(12)

    counted = list(islice(hash_counting(7, "row", 3), len(numbers)))

    assert counted == [hash_64(7, "row", 3, number) for number in numbers]
