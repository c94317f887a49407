"""Templates that stand for a sign, and those that only change how their text looks."""

from components.preprocess.wikitext.tags import protect

# Show the same whatever they are given. An apostrophe is not to end italics: ''Eagle''{{'}}s.
CONSTANTS = {
    **{name: protect(name) for name in ("=", "'", "'s", "*", "#", ";", ":")},
    **{name: protect(name.replace("-", "")) for name in ('-"', "-'", '"-', "'-")},
    **{name: protect(name) for name in ("' \"", "\" '", "'\"", "\"'")},
    **dict.fromkeys(("asterisk",), protect("*")),
    **dict.fromkeys(("hash", "number sign"), protect("#")),
    **dict.fromkeys(("!", "!!", "!-", "''", "-", "(", ")", "pipe", "sep", "smallsup"), ""),
    **dict.fromkeys(("zwsp", "wbr", "shy", "zwj", "zwnj", "lrm", "rlm", "0", "clear"), ""),
    **dict.fromkeys(("nowrap begin", "nowrap end", "wrap"), ""),
    **dict.fromkeys(("·", "dot", "middot", "interpunct", "bold middot"), " · "),
    **dict.fromkeys(("•", "bull", "bullet"), " • "),
    **dict.fromkeys(("ndash", "en dash", "endash", "nsndns"), "–"),
    **dict.fromkeys(("mdash", "em dash", "emdash", "mdashb"), "—"),
    **dict.fromkeys(("snd", "spnd", "spndash", "spaced ndash", "spaced en dash"), " – "),
    **dict.fromkeys(("dash", "snds", "sndash", "spaced en dash space"), " – "),
    **dict.fromkeys(("spaced em dash", "spaced mdash"), " — "),
    **dict.fromkeys(("nbsp", "space", "spaces", "thinsp", "thin space", "sp", "indent"), " "),
    **dict.fromkeys(("hair space", "hairsp", "br", "break", "crlf", "in5", "gap", "nnbsp"), " "),
    **dict.fromkeys(("pb", "paragraph break", "para break", "parabr"), "\n\n"),
    **dict.fromkeys(("...", "ellipsis"), "..."),
    **dict.fromkeys(("nbhyph", "hyphen", "nbh"), "-"),
    "pi": "π", "prime": "′", "pprime": "″", "ampersand": "&", "okina": "ʻ", "hamza": "ʾ",
    "ayin": "ʿ", "flat": "♭", "sharp": "♯", "natural": "♮", "dagger": "†", "double-dagger": "‡",
    "ddagger": "‡", "minus": "−", "times": "×", "plusmn": "±", "sect": "§", "deg": "°",
    "infinity": "∞", "permil": "‰",
}  # fmt: skip

# Show their first argument.
STYLES = (
    "nowrap", "nobr", "nobreak", "no wrap", "nwr", "nowraplinks", "no break", "j", "small",
    "smaller", "big", "bigger", "large", "larger", "huge", "resize", "nobold", "noitalic",
    "noitalics", "normal", "nobold italics", "em", "strong", "b", "i", "bold", "italic",
    "italics", "it", "u", "underline", "s", "strike", "strikethrough", "del", "ins", "mark",
    "sup", "sub", "sc", "sc1", "sc2", "smallcaps", "small caps", "mvar", "math", "bigmath",
    "tmath", "var", "mono", "monospace", "tt", "code", "codett", "samp", "kbd", "key",
    "vanchor", "visible anchor", "not a typo", "typo", "as written", "proper name",
    "no italic", "no bold", "unicode", "iast", "polytonic", "pinyin", "script", "chem2",
    "chemf", "hebrew", "rtl-para", "rtl", "nastaliq", "nq", "dfn", "term", "defn", "bdi",
    "big text", "center", "centre", "left", "right", "align", "block indent", "blockindent",
    "overline", "overarc", "subatomicparticle", "sub-atomic particle", "flag", "flagcountry",
    "flagu", "flagathlete", "country", "annotated link", "anl", "format link", "by", "pre",
    "pre2", "smalldiv", "esd", "first word", "avoid wrap", "lang-block", "langnf",
)  # fmt: skip
