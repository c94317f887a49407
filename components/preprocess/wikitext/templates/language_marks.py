"""Templates for text in another language: {{lang}}, {{langx}}, {{zh}}, {{nihongo}} and the like."""

from collections.abc import Callable

from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.language_names import CODE_TO_LANGUAGE


def read_language(arguments: Arguments) -> str:
    """{{lang|de|Wien}}: the text alone."""
    return arguments[2] or arguments.get("text", "texte")


def _labeled_language(arguments: Arguments) -> str:
    """{{langx|de|Wien}}: the language's name before the text, on the English Wikipedia."""
    if not arguments.language.is_english:
        return arguments[2]
    return name_language(
        arguments[1], arguments[2] or arguments.get("text"), arguments[3], arguments[4], arguments
    )


def name_language(code: str, text: str, romanized: str, meaning: str, arguments: Arguments) -> str:
    """`German: Wien`, with a romanization and a meaning where they are given."""
    language = CODE_TO_LANGUAGE.get(code.strip().lower(), "")
    label = arguments.get("label") or language
    shown = f"{label}: {text}" if label and label.lower() != "none" else text
    romanized = romanized or arguments.get("translit", "romanized")
    meaning = meaning or arguments.get("lit", "translation")
    parts = [shown, romanized and f"romanized: {romanized}", meaning and f"lit. '{meaning}'"]
    return ", ".join(filter(None, parts))


def _labeled(name_to_label: dict[str, str]) -> Callable[[Arguments], str]:
    """Named arguments in this order, each after its label."""

    def expand(arguments: Arguments) -> str:
        shown = [(label, arguments.get(name)) for name, label in name_to_label.items()]
        return "; ".join(f"{label}: {text}" for label, text in shown if text)

    return expand


_CHINESE = {
    "c": "Chinese", "s": "simplified Chinese", "t": "traditional Chinese", "p": "pinyin",
    "tp": "Tongyong Pinyin", "w": "Wade–Giles", "j": "Jyutping", "y": "Cantonese Yale",
    "poj": "Pe̍h-ōe-jī", "l": "lit.",
}  # fmt: skip
_KOREAN = {"hangul": "Korean", "hanja": "Hanja", "rr": "RR", "mr": "MR"}


def _chinese(arguments: Arguments) -> str:
    if arguments.get("labels") == "no":
        return "; ".join(filter(None, map(arguments.get, ("c", "s", "t", "p"))))
    return _labeled(_CHINESE)(arguments)


def _korean(arguments: Arguments) -> str:
    romanized, meaning = arguments[2], arguments[3]
    return _labeled(_KOREAN)(arguments) or name_language(
        "ko", arguments[1], romanized, meaning, arguments
    )


def _nihongo(arguments: Arguments) -> str:
    """{{nihongo|Tokyo|東京|Tōkyō}}: Tokyo (東京, Tōkyō)."""
    english, kanji, romaji = arguments[1], arguments[2], arguments[3]
    if not english:
        return _with_brackets(romaji, arguments, kanji)
    return _with_brackets(english, arguments, kanji, romaji)


def _nihongo_romaji_first(arguments: Arguments) -> str:
    """{{nihongo3|Tokyo|東京|Tōkyō}}: Tōkyō (東京, Tokyo)."""
    return _with_brackets(arguments[3], arguments, arguments[2], arguments[1])


def _nihongo_kanji_first(arguments: Arguments) -> str:
    """{{nihongo krt|Tokyo|東京|Tōkyō}}: 東京 (Tōkyō, Tokyo)."""
    return _with_brackets(arguments[2], arguments, arguments[3], arguments[1])


def _with_brackets(shown: str, arguments: Arguments, *inside: str) -> str:
    extra = arguments[4] or arguments.get("extra")
    brackets = ", ".join(filter(None, (*inside, extra)))
    after = arguments[5] or arguments.get("extra2")
    shown = f"{shown} ({brackets})" if brackets else shown
    return f"{shown} {after}" if after else shown


def _first(arguments: Arguments) -> str:
    return arguments[1]


def _second(arguments: Arguments) -> str:
    return arguments[2]


def _ruby(arguments: Arguments) -> str:
    return f"{arguments[1]} ({arguments[2]})" if arguments[2] else arguments[1]


LANGUAGE_TEMPLATES: dict[str, Callable[[Arguments], str]] = {
    **dict.fromkeys(("lang", "wikt-lang", "langue"), read_language),
    "langx": _labeled_language,
    **dict.fromkeys(("transl", "transliteration", "translit", "tlit", "rtgs"), Arguments.last),
    **dict.fromkeys(("native name", "native phrase", "nativename", "rtl-lang"), _second),
    **dict.fromkeys(("nihongo", "nihongo title"), _nihongo),
    **dict.fromkeys(("nihongo2", "nihongo core"), Arguments.last),
    "nihongo3": _nihongo_romaji_first,
    "nihongo krt": _nihongo_kanji_first,
    "nihongo foot": _first,
    **dict.fromkeys(("ruby", "ruby-ja", "ルビ"), _ruby),
}

# With labels in English.
ENGLISH_LANGUAGE_TEMPLATES: dict[str, Callable[[Arguments], str]] = {
    "lang-rus": lambda arguments: name_language(
        "ru", arguments[1], arguments.get("r"), arguments.get("t"), arguments
    ),
    **dict.fromkeys(("zh", "lang-zh"), _chinese),
    **dict.fromkeys(("korean", "lang-ko", "ko-hhrm"), _korean),
}
