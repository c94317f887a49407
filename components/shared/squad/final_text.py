"""From word pieces back to the words as they stand in the context."""

from collections.abc import Callable, Sequence


def get_final_text(
    piece_text: str, words: Sequence[str], split_words: Callable[[str], Sequence[str]]
) -> str:
    """The part of the context's words that is the text of the pieces; see `find_final_text`."""
    start, end = find_final_text(piece_text, words, split_words)
    return " ".join(words)[start:end]


def find_final_text(
    piece_text: str, words: Sequence[str], split_words: Callable[[str], Sequence[str]]
) -> tuple[int, int]:
    """Where the text of the pieces stands in the words, which are joined by spaces.

    Of "Steve Smith's" and the pieces "steve smith" it is "Steve Smith". Where characters of
    the words and of their normal form don't correspond one to one (an accented letter that
    becomes two, say), it is the words whole: run_squad's `get_final_text` gives up likewise.

    Args:
        piece_text: the pieces joined, without leading or trailing spaces.
        words: the context's words that hold the pieces.
        split_words: Google's BasicTokenizer, which works word by word.
    """
    original = " ".join(words)
    normal = " ".join(part for word in words for part in split_words(word))
    start = normal.find(piece_text)
    if start < 0 or not piece_text:
        return 0, len(original)
    end = start + len(piece_text) - 1
    places = [place for place, character in enumerate(original) if character != " "]
    if len(places) != len(normal.replace(" ", "")):
        return 0, len(original)
    first = places[start - normal.count(" ", 0, start)]
    last = places[end - normal.count(" ", 0, end)]
    return first, last + 1
