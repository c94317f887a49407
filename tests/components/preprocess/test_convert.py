import pytest

from components.preprocess.arguments import Arguments
from components.preprocess.convert import convert


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("5|km", "5 kilometres (3.1 mi)"),
        ("5|km|mi", "5 kilometres (3.1 mi)"),
        ("5|km|mi|0", "5 kilometres (3 mi)"),
        ("1|mi", "1 mile (1.6 km)"),
        ("100|km|abbr=on", "100 km (62 mi)"),
        ("1000|m", "1,000 metres (3,300 ft)"),
        ("1234|km2", "1,234 square kilometres (476 sq mi)"),
        ("6|ft|2|in", "6 feet 2 inches (1.88 m)"),
        ("10|mi|km|adj=on", "10-mile (16 km)"),
        ("37|C", "37 degrees Celsius (99 °F)"),
        ("0|C|F", "0 degrees Celsius (32 °F)"),
        ("20|-|30|ft", "20–30 feet (6.1–9.1 m)"),
        ("3|x|4|m", "3 by 4 metres (9.8 by 13 ft)"),
        ("12.5|kn", "12.5 knots (23.2 km/h; 14.4 mph)"),
        ("5|m|sp=us", "5 meters (16 ft)"),
        ("60|mph|km/h|sigfig=3", "60 miles per hour (96.6 km/h)"),
        ("5|parsecs", "5 parsecs"),
        ("5|km|mi|disp=out", "3.1 mi"),
        ("about|km", "about"),
    ],
)
def test_measure_is_shown_as_wikipedia_shows_it(call, shown):
    """Name or symbol, number and rounding follow the template's documentation."""
    assert convert(Arguments(call.split("|"), lambda source: source)) == shown


def test_cvt_shows_symbols():
    """{{cvt}} is {{convert}} with abbreviations."""
    arguments = Arguments(["5", "kg"], lambda source: source)

    assert convert(arguments, abbreviate=True) == "5 kg (11 lb)"
