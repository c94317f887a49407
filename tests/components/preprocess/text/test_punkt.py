from components.preprocess.dump.files import open_dump
from components.preprocess.text.punkt import train_punkt

NAMES = ["Abel", "Baker", "Clark", "Davis", "Evans", "Frank", "Hills", "Jones", "Klein", "Mason"]


def test_abbreviations_are_learned_from_the_dump(write_dump, make_page, dump_folder):
    """A word that nearly always has a full stop is an abbreviation; markup is not read."""
    text = " ".join(
        f"Then Dr. {name} saw the {other.lower()} of Mr. {other}. "
        f"A {name.lower()} was there, there and there."
        for name in NAMES
        for other in NAMES
    )
    write_dump(make_page(1, "#REDIRECT [[A]]"), make_page(2, text + "{{cite book|title=x.}}"))

    parameters = train_punkt(open_dump(str(dump_folder)).cut(1 << 20))

    assert {"dr", "mr"} <= parameters.abbrev_types
    assert not {"there", "jones", "x"} & parameters.abbrev_types
