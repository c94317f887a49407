"""How many decimals {{convert}} shows where the call does not say."""

import math
import re

from components.preprocess.wikitext.templates.units import Unit, to_kelvin

# Whole numbers are converted to these more exactly: by the rule, 50 would sometimes give less
# than 49.5 does.
_EXACT_FOR_WHOLE_NUMBERS = ("ft", "lb")
# A measure in feet and inches is as exact as its inches, which are small.
_DIGITS_OF_A_PAIR = 2
_TEMPERATURE_DIGITS = 3
# Keeps 1000, whose logarithm may come out below 3, from counting as three digits.
_FUDGE = 1e-14


def choose_places(
    number: str, value: float, converted: float, unit: Unit, target: Unit, *, is_pair: bool
) -> int:
    """Decimals of a result; negative ones round to tens, hundreds and so on.

    As the template's documentation says: a result is about as precise as the input, to within
    a factor of five, and has two significant digits at least; temperatures have three, counted
    from absolute zero.

    Args:
        number: the input as it is written: its decimals and trailing zeros count.
        value: its value.
        converted: the result, not yet rounded.
        unit: of the input.
        target: of the result.
        is_pair: whether the input was in two units, of which `unit` is the smaller.
    """
    places = _places_of_input(number, is_pair=is_pair)
    if unit.kind == "temperature":
        kelvin = max(abs(to_kelvin(value, unit)), 1e-8)
        least = _TEMPERATURE_DIGITS - 1 - math.floor(math.log10(kelvin) + _FUDGE)
        return max(math.floor(places), least)
    if not value or not converted:
        return 0
    if target.symbol in _EXACT_FOR_WHOLE_NUMBERS and value.is_integer() and not is_pair:
        finer = -math.log10(unit.scale)
    elif is_pair and unit.symbol == "in":
        finer = math.log10(target.scale) + _DIGITS_OF_A_PAIR
    else:
        finer = math.log10(abs(value / converted))
    least = 1 - math.floor(math.log10(abs(converted)) + _FUDGE)
    return max(math.floor(places + finer + math.log10(2)), least)


def _places_of_input(number: str, *, is_pair: bool) -> float:
    """Its decimals, or minus its trailing zeros; for a fraction, by its denominator."""
    if "/" in number:
        return max(math.log10(int(re.split("/+", number)[1])), 1)
    whole, point, fraction = number.replace(",", "").partition(".")
    if point:
        return len(fraction)
    return 0 if is_pair else len(whole.rstrip("0")) - len(whole)
