"""Templates that stand for a sign, and those that only change how their text looks."""

# Show the same whatever they are given.
CONSTANTS = {
    "!": "", "=": "=", "'": "'", "'s": "'s", "''": "", "-": "", "·": " · ", "•": " • ",
    "dot": " · ", "bull": " • ", "bullet": " • ", "ndash": "–", "en dash": "–", "mdash": "—",
    "em dash": "—", "mdashb": "—", "snd": " – ", "spnd": " – ", "spndash": " – ",
    "spaced ndash": " – ", "spaced en dash": " – ", "dash": " – ", "snds": " – ",
    "nbsp": " ", "space": " ", "spaces": " ", "thinsp": " ", "thin space": " ", "sp": " ",
    "hair space": " ", "pi": "π", "zwsp": "", "wbr": "", "shy": "", "nbhyph": "-",
    "hyphen": "-", "prime": "′", "...": "...",
    "ellipsis": "...", "sep": "", "br": " ", "break": " ", "crlf": " ",
    "number sign": "#", "ampersand": "&", "pipe": "", "asterisk": "*", "okina": "ʻ", "hamza": "ʾ",
    "ayin": "ʿ", "smallsup": "", "flat": "♭", "sharp": "♯",
}  # fmt: skip

# Show their first argument.
STYLES = (
    "nowrap", "nobr", "nobreak", "no wrap", "nwr", "j", "small", "smaller", "big", "bigger",
    "large", "larger", "huge", "resize", "nobold", "noitalic", "normal", "nobold italics", "em",
    "strong", "b", "i", "bold", "italic", "italics", "it", "u", "underline", "s", "strike", "sup",
    "sub", "sc", "sc1", "sc2", "smallcaps", "small caps", "mvar", "math", "var", "mono", "tt",
    "code", "codett", "samp", "kbd", "key", "keypress", "vanchor", "visible anchor", "not a typo",
    "typo", "as written", "proper name", "no italic", "no bold", "unicode", "iast", "polytonic",
    "pinyin", "script", "chem2", "hebrew", "rtl-para", "rtl", "nastaliq", "nq", "dfn", "term",
    "defn", "gloss", "bdi", "big text", "center", "centre", "align", "plainlist", "flatlist",
    "flag", "flagcountry", "flagu", "country",
)  # fmt: skip
