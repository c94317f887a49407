"""What becomes of a document, as dataset.json says."""

KEPT = "kept"
HELD_OUT = "held out"
EMPTY = "no text"
DUPLICATE = "duplicate"
TOO_LONG = "too long"
TOO_SLOW = "too slow"
TOO_MUCH_MEMORY = "too much memory"
FAILED = "failed"

# Pages of a dump.
REDIRECT = "redirect"
NOT_AN_ARTICLE = "not an article"
DISAMBIGUATION = "disambiguation"
BROKEN = "broken"

# Records of text files that hold something else than text.
NOT_JSON = "not JSON"
NOT_AN_OBJECT = "not a JSON object"
NO_FIELD = "without the text field"
NULL = "null"
NOT_TEXT = "not text"
NOT_IN_ENCODING = "not in the encoding"
EMPTY_FILE = "empty file"
HTML = "HTML"
BAD = frozenset(
    (NOT_JSON, NOT_AN_OBJECT, NO_FIELD, NULL, NOT_TEXT, NOT_IN_ENCODING, EMPTY_FILE, HTML, TOO_LONG)
)
"""What counts towards max_bad_rate."""
