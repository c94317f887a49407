"""Units of {{convert}}: their names, their size, and what they are converted to."""

import re
from dataclasses import dataclass, replace
from functools import cache


@dataclass(frozen=True)
class Unit:
    """A unit as articles write it."""

    symbol: str
    singular: str
    plural: str
    kind: str
    """Units of one kind can be converted into each other."""
    scale: float
    """How many of the kind's base unit it is."""
    output: tuple[str, ...]
    """What it is converted to where the call does not say."""
    is_inverse: bool = False
    """Whether more of it is less of the kind's base unit: miles a gallon, litres a distance."""


def _unit(symbol: str, name: str, kind: str, scale: float, output: str, plural: str = "") -> Unit:
    return Unit(symbol, name, plural or f"{name}s", kind, scale, tuple(output.split()))


_FOOT, _MILE, _POUND = 0.3048, 1609.344, 0.45359237
_PER_HOUR = 1000 / 3600

CODE_TO_UNIT = {
    "m": _unit("m", "metre", "length", 1, "ft"),
    "km": _unit("km", "kilometre", "length", 1000, "mi"),
    "cm": _unit("cm", "centimetre", "length", 0.01, "in"),
    "mm": _unit("mm", "millimetre", "length", 0.001, "in"),
    "um": _unit("μm", "micrometre", "length", 1e-6, "in"),
    "nm": _unit("nm", "nanometre", "length", 1e-9, "in"),
    "ft": _unit("ft", "foot", "length", _FOOT, "m", "feet"),
    "in": _unit("in", "inch", "length", _FOOT / 12, "mm", "inches"),
    "yd": _unit("yd", "yard", "length", 3 * _FOOT, "m"),
    "mi": _unit("mi", "mile", "length", _MILE, "km"),
    "nmi": _unit("nmi", "nautical mile", "length", 1852, "km mi"),
    "furlong": _unit("furlong", "furlong", "length", _MILE / 8, "m"),
    "fathom": _unit("fathom", "fathom", "length", 6 * _FOOT, "ft m"),
    "ly": _unit("ly", "light-year", "length", 9.4607304725808e15, "km"),
    "m2": _unit("m2", "square metre", "area", 1, "sqft"),
    "km2": _unit("km2", "square kilometre", "area", 1e6, "sqmi"),
    "ha": _unit("ha", "hectare", "area", 1e4, "acre"),
    "sqft": _unit("sq ft", "square foot", "area", _FOOT**2, "m2", "square feet"),
    "sqmi": _unit("sq mi", "square mile", "area", _MILE**2, "km2"),
    "acre": _unit("acres", "acre", "area", 4046.8564224, "ha"),
    "m3": _unit("m3", "cubic metre", "volume", 1, "cuft"),
    "km3": _unit("km3", "cubic kilometre", "volume", 1e9, "cumi"),
    "cm3": _unit("cm3", "cubic centimetre", "volume", 1e-6, "cuin"),
    "cuft": _unit("cu ft", "cubic foot", "volume", _FOOT**3, "m3", "cubic feet"),
    "cuin": _unit("cu in", "cubic inch", "volume", (_FOOT / 12) ** 3, "cm3", "cubic inches"),
    "cumi": _unit("cu mi", "cubic mile", "volume", _MILE**3, "km3"),
    "L": _unit("L", "litre", "volume", 0.001, "impgal USgal"),
    "USgal": _unit("US gal", "US gallon", "volume", 0.003785411784, "L impgal"),
    "impgal": _unit("imp gal", "imperial gallon", "volume", 0.00454609, "L USgal"),
    "kg": _unit("kg", "kilogram", "mass", 1, "lb"),
    "g": _unit("g", "gram", "mass", 0.001, "oz"),
    "lb": _unit("lb", "pound", "mass", _POUND, "kg"),
    "oz": _unit("oz", "ounce", "mass", _POUND / 16, "g"),
    "st": _unit("st", "stone", "mass", 14 * _POUND, "lb kg", "stone"),
    "t": _unit("t", "tonne", "mass", 1000, "LT ST"),
    "LT": _unit("long tons", "long ton", "mass", 2240 * _POUND, "t ST"),
    "ST": _unit("short tons", "short ton", "mass", 2000 * _POUND, "LT t"),
    "km/h": _unit("km/h", "kilometre per hour", "speed", _PER_HOUR, "mph", "kilometres per hour"),
    "mph": _unit("mph", "mile per hour", "speed", _MILE / 3600, "km/h", "miles per hour"),
    "m/s": _unit("m/s", "metre per second", "speed", 1, "ft/s", "metres per second"),
    "ft/s": _unit("ft/s", "foot per second", "speed", _FOOT, "m/s", "feet per second"),
    "kn": _unit("kn", "knot", "speed", 1852 / 3600, "km/h mph"),
    "kW": _unit("kW", "kilowatt", "power", 1, "hp"),
    "hp": _unit("hp", "horsepower", "power", 0.745699872, "kW", "horsepower"),
    "MW": _unit("MW", "megawatt", "power", 1000, "hp"),
    "W": _unit("W", "watt", "power", 0.001, "hp"),
    "GW": _unit("GW", "gigawatt", "power", 1e6, "hp"),
    "cuyd": _unit("cu yd", "cubic yard", "volume", (3 * _FOOT) ** 3, "m3"),
    "ml": _unit("ml", "millilitre", "volume", 1e-6, "impfloz USfloz"),
    "USfloz": _unit("US fl oz", "US fluid ounce", "volume", 2.95735295625e-5, "ml"),
    "impfloz": _unit("imp fl oz", "imperial fluid ounce", "volume", 2.84130625e-5, "ml"),
    "oilbbl": _unit("bbl", "barrel", "volume", 0.158987294928, "m3"),
    "m3/s": _unit("m3/s", "cubic metre per second", "flow", 1, "cuft/s", "cubic metres per second"),
    "cuft/s": _unit("cu ft/s", "cubic foot per second", "flow", _FOOT**3, "m3/s",
                    "cubic feet per second"),
    "m3/d": _unit("m3/d", "cubic metre per day", "flow", 1 / 86400, "oilbbl/d",
                  "cubic metres per day"),
    "oilbbl/d": _unit("bbl/d", "barrel per day", "flow", 0.158987294928 / 86400, "m3/d",
                      "barrels per day"),
    "mg": _unit("mg", "milligram", "mass", 1e-6, "gr"),
    "gr": _unit("gr", "grain", "mass", 6.479891e-5, "mg"),
    "carat": _unit("carats", "carat", "mass", 0.0002, "g"),
    "troyoz": _unit("ozt", "troy ounce", "mass", 0.0311034768, "g"),
    "N": _unit("N", "newton", "force", 1, "lbf"),
    "kN": _unit("kN", "kilonewton", "force", 1000, "lbf"),
    "lbf": _unit("lbf", "pound-force", "force", 4.4482216152605, "N", "pounds-force"),
    "Nm": _unit("N⋅m", "newton-metre", "torque", 1, "lbft"),
    "lbft": _unit("lb⋅ft", "pound-foot", "torque", 1.3558179483314004, "Nm", "pound-feet"),
    "Pa": _unit("Pa", "pascal", "pressure", 1, "psi"),
    "kPa": _unit("kPa", "kilopascal", "pressure", 1000, "psi"),
    "MPa": _unit("MPa", "megapascal", "pressure", 1e6, "psi"),
    "hPa": _unit("hPa", "hectopascal", "pressure", 100, "inHg"),
    "mbar": _unit("mbar", "millibar", "pressure", 100, "inHg"),
    "inHg": _unit("inHg", "inch of mercury", "pressure", 3386.388640341, "hPa",
                  "inches of mercury"),
    "bar": _unit("bar", "bar", "pressure", 1e5, "psi"),
    "atm": _unit("atm", "standard atmosphere", "pressure", 101325, "kPa"),
    "psi": _unit("psi", "pound per square inch", "pressure", 6894.757293168, "kPa",
                 "pounds per square inch"),
    "J": _unit("J", "joule", "energy", 1, "cal"),
    "kJ": _unit("kJ", "kilojoule", "energy", 1000, "kcal"),
    "MJ": _unit("MJ", "megajoule", "energy", 1e6, "kWh"),
    "cal": _unit("cal", "calorie", "energy", 4.184, "J"),
    "kcal": _unit("kcal", "kilocalorie", "energy", 4184, "kJ"),
    "kWh": _unit("kWh", "kilowatt hour", "energy", 3.6e6, "MJ"),
    "AU": _unit("AU", "astronomical unit", "length", 149597870700, "km mi"),
    "pc": _unit("pc", "parsec", "length", 3.0856775814913674e16, "ly"),
    "Gm": _unit("Gm", "gigametre", "length", 1e9, "mi"),
    "C-change": _unit("°C", "degree Celsius", "temperature change", 1, "F-change",
                      "degrees Celsius"),
    "F-change": _unit("°F", "degree Fahrenheit", "temperature change", 5 / 9, "C-change",
                      "degrees Fahrenheit"),
    "PD/km2": _unit("/km2", "inhabitants per square kilometre", "density", 1e-6, "PD/sqmi",
                    "inhabitants per square kilometre"),
    "PD/sqmi": _unit("/sq mi", "inhabitants per square mile", "density", 1 / _MILE**2, "PD/km2",
                     "inhabitants per square mile"),
    "dm": _unit("dm", "decimetre", "length", 0.1, "in"),
    "dam": _unit("dam", "decametre", "length", 10, "ft"),
    "hm": _unit("hm", "hectometre", "length", 100, "ft"),
    "Mm": _unit("Mm", "megametre", "length", 1e6, "mi"),
    "pm": _unit("pm", "picometre", "length", 1e-12, "in"),
    "angstrom": _unit("Å", "ångström", "length", 1e-10, "in"),
    "thou": _unit("thou", "thousandth of an inch", "length", _FOOT / 12e3, "mm",
                  "thousandths of an inch"),
    "hand": _unit("h", "hand", "length", _FOOT / 3, "in cm"),
    "chain": _unit("chain", "chain", "length", 66 * _FOOT, "ft m"),
    "rod": _unit("rd", "rod", "length", 16.5 * _FOOT, "ft m"),
    "league": _unit("lg", "league", "length", 3 * _MILE, "km"),
    "verst": _unit("verst", "verst", "length", 1066.8, "km mi"),
    "mm2": _unit("mm2", "square millimetre", "area", 1e-6, "sqin"),
    "cm2": _unit("cm2", "square centimetre", "area", 1e-4, "sqin"),
    "dm2": _unit("dm2", "square decimetre", "area", 1e-2, "sqin"),
    "sqin": _unit("sq in", "square inch", "area", (_FOOT / 12) ** 2, "cm2", "square inches"),
    "sqyd": _unit("sq yd", "square yard", "area", (3 * _FOOT) ** 2, "m2"),
    "are": _unit("a", "are", "area", 100, "sqft"),
    "dunam": _unit("dunam", "dunam", "area", 1000, "km2 sqmi"),
    "rood": _unit("rood", "rood", "area", 1011.7141056, "m2"),
    "mm3": _unit("mm3", "cubic millimetre", "volume", 1e-9, "cuin"),
    "dm3": _unit("dm3", "cubic decimetre", "volume", 1e-3, "cuin"),
    "cl": _unit("cl", "centilitre", "volume", 1e-5, "impfloz USfloz"),
    "dl": _unit("dl", "decilitre", "volume", 1e-4, "impfloz USfloz"),
    "hl": _unit("hl", "hectolitre", "volume", 0.1, "impgal USgal"),
    "USqt": _unit("US qt", "US quart", "volume", 9.46352946e-4, "L"),
    "USpt": _unit("US pt", "US pint", "volume", 4.73176473e-4, "L"),
    "impqt": _unit("imp qt", "imperial quart", "volume", 1.1365225e-3, "L"),
    "imppt": _unit("imp pt", "imperial pint", "volume", 5.6826125e-4, "L"),
    "USbu": _unit("US bu", "US bushel", "volume", 0.03523907016688, "L"),
    "impbu": _unit("imp bu", "imperial bushel", "volume", 0.03636872, "L"),
    "acre.ft": _unit("acre⋅ft", "acre-foot", "volume", 1233.48183754752, "m3", "acre-feet"),
    "ug": _unit("μg", "microgram", "mass", 1e-9, "gr"),
    "lcwt": _unit("long cwt", "long hundredweight", "mass", 112 * _POUND, "lb kg",
                  "long hundredweight"),
    "scwt": _unit("short cwt", "short hundredweight", "mass", 100 * _POUND, "lb kg",
                  "short hundredweight"),
    "cwt": _unit("cwt", "hundredweight", "mass", 112 * _POUND, "lb kg", "hundredweight"),
    "pood": _unit("pood", "pood", "mass", 16.3804964, "kg"),
    "km/s": _unit("km/s", "kilometre per second", "speed", 1000, "mi/s", "kilometres per second"),
    "mi/s": _unit("mi/s", "mile per second", "speed", _MILE, "km/s", "miles per second"),
    "m/min": _unit("m/min", "metre per minute", "speed", 1 / 60, "ft/min", "metres per minute"),
    "ft/min": _unit("ft/min", "foot per minute", "speed", _FOOT / 60, "m/min", "feet per minute"),
    "cm/s": _unit("cm/s", "centimetre per second", "speed", 0.01, "in/s",
                  "centimetres per second"),
    "in/s": _unit("in/s", "inch per second", "speed", _FOOT / 12, "cm/s", "inches per second"),
    "m/s2": _unit("m/s2", "metre per second squared", "acceleration", 1, "ft/s2",
                  "metres per second squared"),
    "ft/s2": _unit("ft/s2", "foot per second squared", "acceleration", _FOOT, "m/s2",
                   "feet per second squared"),
    "PS": _unit("PS", "metric horsepower", "power", 0.73549875, "kW", "metric horsepower"),
    "BTU/h": _unit("BTU/h", "British thermal unit per hour", "power", 2.9307107e-4, "W",
                   "British thermal units per hour"),
    "ton-refrigeration": _unit("tons", "ton", "power", 3.516853, "kW"),
    "kgf": _unit("kgf", "kilogram-force", "force", 9.80665, "lbf", "kilograms-force"),
    "tf": _unit("tf", "tonne-force", "force", 9806.65, "kN", "tonnes-force"),
    "MN": _unit("MN", "meganewton", "force", 1e6, "lbf"),
    "kgm": _unit("kg⋅m", "kilogram-metre", "torque", 9.80665, "lbft Nm"),
    "lbin": _unit("lb⋅in", "pound-inch", "torque", 1.3558179483314 / 12, "mNm", "pound-inches"),
    "mNm": _unit("mN⋅m", "millinewton-metre", "torque", 0.001, "lbin"),
    "GPa": _unit("GPa", "gigapascal", "pressure", 1e9, "psi"),
    "mmHg": _unit("mmHg", "millimetre of mercury", "pressure", 133.322387415, "kPa",
                  "millimetres of mercury"),
    "Torr": _unit("Torr", "torr", "pressure", 101325 / 760, "kPa", "torr"),
    "kg/cm2": _unit("kg/cm2", "kilogram per square centimetre", "pressure", 98066.5, "psi",
                    "kilograms per square centimetre"),
    "lb/sqft": _unit("lb/sq ft", "pound per square foot", "pressure", 47.88025898, "kPa",
                     "pounds per square foot"),
    "BTU": _unit("BTU", "British thermal unit", "energy", 1055.05585262, "kJ"),
    "ftlbf": _unit("ft⋅lbf", "foot-pound force", "energy", 1.3558179483314004, "J",
                   "foot-pounds force"),
    "GJ": _unit("GJ", "gigajoule", "energy", 1e9, "kWh"),
    "TJ": _unit("TJ", "terajoule", "energy", 1e12, "GWh"),
    "Wh": _unit("Wh", "watt-hour", "energy", 3600, "kJ"),
    "MWh": _unit("MWh", "megawatt-hour", "energy", 3.6e9, "GJ"),
    "GWh": _unit("GWh", "gigawatt-hour", "energy", 3.6e12, "TJ"),
    "kg/m3": _unit("kg/m3", "kilogram per cubic metre", "mass density", 1, "lb/cuyd",
                   "kilograms per cubic metre"),
    "g/cm3": _unit("g/cm3", "gram per cubic centimetre", "mass density", 1000, "lb/cuin",
                   "grams per cubic centimetre"),
    "lb/cuft": _unit("lb/cu ft", "pound per cubic foot", "mass density", _POUND / _FOOT**3,
                     "g/cm3", "pounds per cubic foot"),
    "lb/cuin": _unit("lb/cu in", "pound per cubic inch", "mass density",
                     _POUND / (_FOOT / 12) ** 3, "g/cm3", "pounds per cubic inch"),
    "lb/cuyd": _unit("lb/cu yd", "pound per cubic yard", "mass density",
                     _POUND / (3 * _FOOT) ** 3, "kg/m3", "pounds per cubic yard"),
    "L/s": _unit("L/s", "litre per second", "flow", 1e-3, "cuft/s", "litres per second"),
    "L/min": _unit("L/min", "litre per minute", "flow", 1e-3 / 60, "impgal/min USgal/min",
                   "litres per minute"),
    "m3/h": _unit("m3/h", "cubic metre per hour", "flow", 1 / 3600, "cuft/min",
                  "cubic metres per hour"),
    "cuft/min": _unit("cu ft/min", "cubic foot per minute", "flow", _FOOT**3 / 60, "m3/min",
                      "cubic feet per minute"),
    "m3/min": _unit("m3/min", "cubic metre per minute", "flow", 1 / 60, "cuft/min",
                    "cubic metres per minute"),
    "USgal/min": _unit("US gal/min", "US gallon per minute", "flow", 0.003785411784 / 60,
                       "L/min impgal/min", "US gallons per minute"),
    "impgal/min": _unit("imp gal/min", "imperial gallon per minute", "flow", 0.00454609 / 60,
                        "L/min USgal/min", "imperial gallons per minute"),
    "km/L": _unit("km/L", "kilometre per litre", "fuel", 1, "mpgimp mpgus",
                  "kilometres per litre"),
    "mpgus": _unit("mpg‑US", "mile per US gallon", "fuel", 1.609344 / 3.785411784,
                   "L/100km mpgimp", "miles per US gallon"),
    "mpgimp": _unit("mpg‑imp", "mile per imperial gallon", "fuel", 1.609344 / 4.54609,
                    "L/100km mpgus", "miles per imperial gallon"),
    "L/100km": replace(
        _unit("L/100 km", "litre per 100 kilometres", "fuel", 100, "mpgimp mpgus",
              "litres per 100 kilometres"),
        is_inverse=True,
    ),
    "PD/ha": _unit("/ha", "inhabitants per hectare", "density", 1e-4, "PD/acre",
                   "inhabitants per hectare"),
    "PD/acre": _unit("/acre", "inhabitants per acre", "density", 1 / 4046.8564224, "PD/ha",
                     "inhabitants per acre"),
    "C": _unit("°C", "degree Celsius", "temperature", 1, "F", "degrees Celsius"),
    "F": _unit("°F", "degree Fahrenheit", "temperature", 1, "C", "degrees Fahrenheit"),
    "K": _unit("K", "kelvin", "temperature", 1, "C F"),
}  # fmt: skip

_ALIASES = {
    "metre": "m", "meter": "m", "metres": "m", "meters": "m", "kilometre": "km", "kilometer": "km",
    "kilometres": "km", "kilometers": "km", "foot": "ft", "feet": "ft", "inch": "in",
    "inches": "in", "yard": "yd", "yards": "yd", "mile": "mi", "miles": "mi", "sqkm": "km2",
    "km²": "km2", "sqm": "m2", "m²": "m2", "sq mi": "sqmi", "sq ft": "sqft", "acres": "acre",
    "hectare": "ha", "hectares": "ha", "litre": "L", "liter": "L", "l": "L", "gal": "USgal",
    "U.S.gal": "USgal", "lbs": "lb", "pound": "lb", "pounds": "lb", "kilogram": "kg", "tonne": "t",
    "tonnes": "t", "MT": "t", "tonn": "t", "long ton": "LT", "short ton": "ST", "ton": "ST",
    "kph": "km/h", "kmh": "km/h", "knot": "kn", "knots": "kn", "kt": "kn", "bhp": "hp", "°C": "C",
    "°F": "F", "celsius": "C", "fahrenheit": "F", "NM": "nmi", "km3": "km3", "cc": "cm3",
    "U.S. gal": "USgal", "usgal": "USgal", "m³": "m3", "ft3": "cuft", "cu ft": "cuft",
    "ft2": "sqft", "mi2": "sqmi", "cid": "cuin", "cu in": "cuin", "in3": "cuin", "bbl": "oilbbl",
    "koilbbl": "e3oilbbl", "Moilbbl": "e6oilbbl", "Goilbbl": "e9oilbbl", "kbbl": "e3oilbbl",
    "Mbbl": "e6oilbbl", "koilbbl/d": "e3oilbbl/d", "Moilbbl/d": "e6oilbbl/d", "bbl/d": "oilbbl/d",
    "MUSgal": "e6USgal", "Ml": "e6L", "ML": "e6L", "e3L": "m3", "Mcuft": "e6cuft",
    "Gcuft": "e9cuft", "Tcuft": "e12cuft", "kt (mass)": "e3t", "Mt": "e6t",
    "Moz": "e6oz", "ozt": "troyoz", "oz t": "troyoz", "N.m": "Nm", "N·m": "Nm", "N⋅m": "Nm",
    "lb.ft": "lbft", "lb·ft": "lbft", "lb⋅ft": "lbft", "ftlb": "ftlbf",
    "ft.lbf": "ftlbf", "ft·lbf": "ftlbf", "lb.in": "lbin",
    "kg.m": "kgm", "kg·m": "kgm", "mpgu.s.": "mpgus", "mpgUS": "mpgus", "mpg": "mpgus",
    "L/100 km": "L/100km", "l/100 km": "L/100km", "km/l": "km/L", "qt": "USqt", "pt": "USpt",
    "hands": "hand", "chains": "chain", "rods": "rod", "leagues": "league",
    "Å": "angstrom", "sq yd": "sqyd", "yd2": "sqyd", "sq in": "sqin", "in2": "sqin",
    "dunams": "dunam",
    "kg/cm²": "kg/cm2", "torr": "Torr", "acre-ft": "acre.ft", "acre·ft": "acre.ft", "parsec": "pc",
    "parsecs": "pc", "versts": "verst", "poods": "pood", "µg": "ug", "μg": "ug", "mcg": "ug",
    "long cwt": "lcwt", "short cwt": "scwt", "mps": "m/s", "m/s²": "m/s2", "ft/s²": "ft/s2",
    "/ha": "PD/ha", "/acre": "PD/acre",
    "mL": "ml", "USoz": "USfloz", "fps": "ft/s", "cuft/sec": "cuft/s", "cumec": "m3/s",
    "shp": "hp", "ihp": "hp", "metric hp": "PS", "°C-change": "C-change", "°F-change": "F-change",
    "µm": "um", "μm": "um", "/sqkm": "PD/km2", "/km2": "PD/km2", "/sqmi": "PD/sqmi",
}  # fmt: skip

# Absolute zero apart, temperatures have other zeros: value in kelvin = (value + offset) * scale.
_TO_KELVIN = {"°C": (273.15, 1.0), "°F": (459.67, 5 / 9), "K": (0.0, 1.0)}

# {{convert|22|e6acre}} is 22 million acres.
_MULTIPLE = re.compile(r"(e3|e6|e9|e12)(?=\D)(.+)")
_MULTIPLES = {
    "e3": ("thousand", 1e3),
    "e6": ("million", 1e6),
    "e9": ("billion", 1e9),
    "e12": ("trillion", 1e12),
}


@cache
def find_unit(name: str) -> Unit | None:
    """The unit of this name or code, None if it isn't known."""
    code = _ALIASES.get(name, name)
    if multiple := _MULTIPLE.fullmatch(code):
        word, factor = _MULTIPLES[multiple[1]]
        unit = find_unit(multiple[2])
        return unit and replace(
            unit,
            symbol=f"{word} {unit.symbol}",
            singular=f"{word} {unit.singular}",
            plural=f"{word} {unit.plural}",
            scale=unit.scale * factor,
        )
    return CODE_TO_UNIT.get(code)


def to_kelvin(value: float, unit: Unit) -> float:
    """A temperature above absolute zero."""
    offset, scale = _TO_KELVIN[unit.symbol]
    return (value + offset) * scale


def convert_value(value: float, unit: Unit, target: Unit) -> float:
    """A value of one unit in another of the same kind."""
    if unit.kind == "temperature":
        target_offset, target_scale = _TO_KELVIN[target.symbol]
        return to_kelvin(value, unit) / target_scale - target_offset
    base = unit.scale / value if unit.is_inverse else value * unit.scale
    return target.scale / base if target.is_inverse else base / target.scale
