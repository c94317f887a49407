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
    "nowrap", "nobr", "nobreak", "no wrap", "nwr", "nowraplinks", "no break", "small",
    "smaller", "big", "bigger", "large", "larger", "huge", "nobold", "noitalic",
    "noitalics", "normal", "nobold italics", "strong", "bold", "italic",
    "italics", "underline", "strike", "strikethrough", "mark",
    "smallcaps", "small caps", "mvar", "math", "bigmath",
    "tmath", "var", "mono", "monospace", "code", "codett", "samp", "kbd",
    "vanchor", "visible anchor", "not a typo", "typo", "as written", "proper name",
    "no italic", "no bold", "unicode", "iast", "polytonic", "pinyin", "chem2",
    "chemf", "hebrew", "rtl", "nastaliq", "dfn", "term", "defn", "bdi",
    "big text", "center", "centre", "left", "right", "block indent", "blockindent",
    "overline", "overarc", "subatomicparticle", "sub-atomic particle", "flag", "flagcountry",
    "flagu", "flagathlete", "country", "annotated link", "format link", "pre",
    "pre2", "smalldiv", "first word", "avoid wrap", "serif", "sans-serif", "noflag", "text",
    "citation needed span", "cn span", "cnspan", "fact span",
)  # fmt: skip

# The same, by names so short that they mean something else on other wikis.
ENGLISH_STYLES = (
    "j", "em", "b", "i", "it", "u", "s", "del", "ins", "sc", "sc1", "sc2", "tt", "key", "nq",
    "anl", "by", "esd", "langnf", "stn", "rws", "sta", "lws", "bts", "metro", "station", "stnlnk",
    "rwsa", "lrts", "mtr", "flaglist",
)  # fmt: skip
