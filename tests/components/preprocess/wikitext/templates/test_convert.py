import pytest

from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.convert import convert


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
        ("37|C", "37 °C (99 °F)"),
        ("0|C|F", "0 °C (32 °F)"),
        ("20|-|30|ft", "20–30 feet (6.1–9.1 m)"),
        ("3|x|4|m", "3 by 4 metres (9.8 by 13 ft)"),
        ("12.5|kn", "12.5 knots (23.2 km/h; 14.4 mph)"),
        ("5|m|sp=us", "5 meters (16 ft)"),
        ("60|mph|km/h|sigfig=3", "60 miles per hour (96.6 km/h)"),
        ("1/2|in|mm", "1/2 inch (13 mm)"),
        ("5+1/2|in", "5 1/2 inches (140 mm)"),
        ("5|mi|km|disp=or", "5 miles or 8.0 kilometres"),
        ("8|mi|km|disp=or|abbr=on", "8 mi or 13 km"),
        ("5|mi|km|disp=or|sp=us", "5 miles or 8.0 kilometers"),
        ("9" * 400 + "|km", "9" * 400 + " km"),
        ("5|mi|km|disp=sqbr", "5 miles [8.0 km]"),
        ("5|mi|km|order=flip", "8.0 kilometres (5 mi)"),
        ("100|mi|km|round=5", "100 miles (160 km)"),
        ("7|km|mi|adj=mid|-long", "7-kilometre-long (4.3 mi)"),
        ("22|e6acre|km2", "22 million acres (89,000 km2)"),
        ("2.3|Moilbbl", "2.3 million barrels (370,000 m3)"),
        ("30|psi", "30 pounds per square inch (210 kPa)"),
        ("5|C-change", "5 °C (9.0 °F)"),
        ("12|st|4|lb", "12 stone 4 pounds (78 kg)"),
        ("1/0|in", "1/0 in"),
        ("5|parsecs", "5 parsecs (16 ly)"),
        ("5|cubits", "5 cubits"),
        ("5|km|mi|disp=out", "3.1 mi"),
        ("about|km", "about km"),
        ("93|m|ft|abbr=off|sp=us", "93 meters (305 feet)"),
        ("50|kg", "50 kilograms (110 lb)"),
        ("93|kg|lb", "93 kilograms (205 lb)"),
        ("93.5|m|ft", "93.5 metres (307 ft)"),
        ("2|m", "2 metres (6 ft 7 in)"),
        ("1.85|m|ftin", "1.85 metres (6 ft 1 in)"),
        ("3|m", "3 metres (9.8 ft)"),
        ("80|kg|lb stlb", "80 kilograms (180 lb; 12 st 8 lb)"),
        ("100|C", "100 °C (212 °F)"),
        ("273.15|K|C", "273.15 K (0.00 °C)"),
        ("5|sqyd", "5 square yards (4.2 m2)"),
        ("30|mpgus", "30 miles per US gallon (7.8 L/100 km; 36 mpg‑imp)"),
        ("5|mi|km|abbr=in", "5 mi (8.0 kilometres)"),
        ("6|ft|1|in|cm", "6 feet 1 inch (185 cm)"),
        ("8|lb|4|oz", "8 pounds 4 ounces (3.7 kg)"),
        ("26|mi|385|yd", "26 miles 385 yards (42.195 km)"),
        ("0|m|ft", "0 metres (0 ft)"),
    ],
)
def test_measure_is_shown_as_wikipedia_shows_it(call, shown):
    """Name or symbol, number and rounding follow the template's documentation."""
    assert convert(Arguments(call.split("|"), lambda source: source)) == shown


def test_cvt_shows_symbols():
    """{{cvt}} is {{convert}} with abbreviations."""
    arguments = Arguments(["5", "kg"], lambda source: source)

    assert convert(arguments, abbreviate=True) == "5 kg (11 lb)"
