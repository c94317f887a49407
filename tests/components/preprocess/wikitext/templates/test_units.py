import pytest

from components.preprocess.wikitext.templates.units import CODE_TO_UNIT, convert_value, find_unit


@pytest.mark.parametrize(
    ("value", "code", "target", "expected"),
    [
        (1, "mi", "km", 1.609344),
        (1, "acre", "ha", 0.40468564224),
        (100, "C", "F", 212),
        (0, "K", "C", -273.15),
        (1, "st", "lb", 14),
        (1, "oilbbl", "USgal", 42),
        (1, "e6acre", "km2", 4046.8564224),
        (1, "lbf", "N", 4.4482216152605),
        (9, "F-change", "C-change", 5),
        (1, "PD/sqmi", "PD/km2", 1 / 2.589988110336),
    ],
)
def test_values_are_converted(value, code, target, expected):
    """Factors are those of the international definitions."""
    converted = convert_value(value, find_unit(code), find_unit(target))

    assert converted == pytest.approx(expected)


def test_outputs_are_known_and_of_one_kind():
    """Each unit is converted to units that can be."""
    for unit in CODE_TO_UNIT.values():
        assert {CODE_TO_UNIT[code].kind for code in unit.output} == {unit.kind}
