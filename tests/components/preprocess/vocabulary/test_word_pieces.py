import json
import subprocess
import sys

from components.preprocess.vocabulary.word_pieces import read_word_counts, train_word_pieces
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

COUNTS = {"low": 50, "lower": 40, "lowest": 30, "newest": 60, "widest": 20, "new": 70, "wide": 25}


def test_special_pieces_come_first_and_frequent_words_are_whole():
    """[PAD] is id 0, and what occurs often becomes one piece."""
    pieces = train_word_pieces(COUNTS, 200)

    assert tuple(pieces[:5]) == SPECIAL_PIECES
    assert {"low", "new", "##est"} <= set(pieces)
    assert len(set(pieces)) == len(pieces)


def test_size_is_not_exceeded():
    """Fewer pieces than asked for are fine, more are not."""
    counts = {f"{a}{b}{c}": 3 for a in "abcdefgh" for b in "ijklmnop" for c in "qrstuvw"}

    assert len(train_word_pieces(counts, 150)) <= 150


def test_every_character_of_a_known_word_has_its_pieces():
    """No word of the corpus is unknown, however rare its whole."""
    pieces = set(train_word_pieces({"abc": 5, "x": 5}, 200))

    assert {"a", "b", "c", "x", "##b", "##c"} <= pieces


def test_rare_characters_are_left_out():
    """Of more characters than fit, the most frequent stay."""
    counts = {chr(0x4E00 + number): 1000 - number for number in range(500)}

    pieces = train_word_pieces(counts, 200)

    assert chr(0x4E00) in pieces
    assert chr(0x4E00 + 499) not in pieces


def test_pieces_make_a_vocabulary(tmp_path):
    """What is trained is what Vocabulary reads."""
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"{piece}\n" for piece in train_word_pieces(COUNTS, 200)))

    assert Vocabulary.read(path).pad_id == 0


def test_counts_are_read_from_lines_of_json(tmp_path):
    """Words may hold any character but a line's end."""
    path = tmp_path / "counts"
    path.write_text('["a", 1]\n["\\u2028\\"", 2]\n')

    assert read_word_counts(str(path)) == {"a": 1, '\u2028"': 2}


def test_equal_counts_give_equal_pieces_in_every_process():
    """The trainer's hash tables differ from process to process; the result doesn't."""
    program = (
        "import json, sys\n"
        "from components.preprocess.vocabulary.word_pieces import train_word_pieces\n"
        "counts = {f'{a}{b}{c}{d}': 2 for a in 'abcdef' for b in 'aeiou' for c in 'klmnop'"
        " for d in 'aeiou'}\n"
        "print(json.dumps(train_word_pieces(counts, 300)))\n"
    )

    results = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(4)
    }

    assert len(results) == 1
    assert len(json.loads(results.pop())) > 100
