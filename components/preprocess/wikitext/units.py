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
    "m2": _unit("m²", "square metre", "area", 1, "sqft"),
    "km2": _unit("km²", "square kilometre", "area", 1e6, "sqmi"),
    "ha": _unit("ha", "hectare", "area", 1e4, "acre"),
    "sqft": _unit("sq ft", "square foot", "area", _FOOT**2, "m2", "square feet"),
    "sqmi": _unit("sq mi", "square mile", "area", _MILE**2, "km2"),
    "acre": _unit("acres", "acre", "area", 4046.8564224, "ha"),
    "m3": _unit("m³", "cubic metre", "volume", 1, "cuft"),
    "km3": _unit("km³", "cubic kilometre", "volume", 1e9, "cumi"),
    "cm3": _unit("cm³", "cubic centimetre", "volume", 1e-6, "cuin"),
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
    "m3/s": _unit("m³/s", "cubic metre per second", "flow", 1, "cuft/s", "cubic metres per second"),
    "cuft/s": _unit("cu ft/s", "cubic foot per second", "flow", _FOOT**3, "m3/s",
                    "cubic feet per second"),
    "m3/d": _unit("m³/d", "cubic metre per day", "flow", 1 / 86400, "oilbbl/d",
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
    "PD/km2": _unit("/km²", "inhabitants per square kilometre", "density", 1e-6, "PD/sqmi",
                    "inhabitants per square kilometre"),
    "PD/sqmi": _unit("/sq mi", "inhabitants per square mile", "density", 1 / _MILE**2, "PD/km2",
                     "inhabitants per square mile"),
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
    "Gcuft": "e9cuft", "Tcuft": "e12cuft", "Mm": "e3km", "kt (mass)": "e3t", "Mt": "e6t",
    "Moz": "e6oz", "ozt": "troyoz", "oz t": "troyoz", "N.m": "Nm", "N·m": "Nm", "N⋅m": "Nm",
    "lb.ft": "lbft", "lb·ft": "lbft", "lb⋅ft": "lbft", "ftlb": "lbft", "ft.lbf": "lbft",
    "mL": "ml", "USoz": "USfloz", "fps": "ft/s", "cuft/sec": "cuft/s", "cumec": "m3/s",
    "shp": "hp", "ihp": "hp", "PS": "hp", "°C-change": "C-change", "°F-change": "F-change",
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


def convert_value(value: float, unit: Unit, target: Unit) -> float:
    """A value of one unit in another of the same kind."""
    if unit.kind == "temperature":
        offset, scale = _TO_KELVIN[unit.symbol]
        target_offset, target_scale = _TO_KELVIN[target.symbol]
        return (value + offset) * scale / target_scale - target_offset
    return value * unit.scale / target.scale
