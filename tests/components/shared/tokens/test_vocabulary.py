import hashlib

import pytest

from components.shared.errors import InputError
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import Vocabulary

SPECIAL = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"


def write(tmp_path, content):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_line_number_is_the_id(tmp_path):
    """Pieces stand in the order of their lines, special ones are found by name."""
    path = write(tmp_path, "[PAD]\nthe\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##s\n")

    vocabulary = Vocabulary.read(path)

    assert vocabulary.pieces == ("[PAD]", "the", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "##s")
    assert len(vocabulary) == 7
    assert (vocabulary.pad_id, vocabulary.unk_id, vocabulary.mask_id) == (0, 2, 5)
    assert (vocabulary.cls_id, vocabulary.sep_id) == (3, 4)


def test_sha256_is_that_of_the_file(tmp_path):
    """Two stages that hold the same file see the same digest."""
    path = write(tmp_path, SPECIAL)

    assert Vocabulary.read(path).sha256 == hashlib.sha256(SPECIAL.encode()).hexdigest()


def test_windows_line_ends_and_a_missing_last_one_do_not_matter(tmp_path):
    """A file edited on Windows gives the same pieces."""
    path = write(tmp_path, SPECIAL.replace("\n", "\r\n") + "the")

    assert Vocabulary.read(path).pieces == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the")


def test_other_line_breaks_are_pieces(tmp_path):
    """U+2028 is a piece of its own in Google's multilingual files, not a line's end."""
    path = write(tmp_path, SPECIAL + "\u2028\nthe\n")

    assert Vocabulary.read(path).pieces[5:] == ("\u2028", "the")


def test_of_equal_lines_the_last_one_counts(tmp_path):
    """As in Google's and transformers' readers; the lines after the first keep their ids."""
    path = write(tmp_path, SPECIAL + "the\nof\nthe\ncat\n")

    vocabulary = Vocabulary.read(path)

    assert vocabulary.pieces[5:] == ("the", "of", "the", "cat")
    assert WordPieceTokenizer(vocabulary, lowercase=True).encode_batch(["the cat of"]) == [
        [7, 8, 6]
    ]


def test_an_empty_line_is_an_id_inside_and_nothing_at_the_end(tmp_path):
    """Lines after it keep their ids; the model need not have vectors for those at the end."""
    path = write(tmp_path, SPECIAL + "\nthe\n \n\n")

    vocabulary = Vocabulary.read(path)

    assert vocabulary.pieces[5:] == ("", "the")
    assert WordPieceTokenizer(vocabulary, lowercase=True).encode_batch(["the", ""]) == [[6], []]


def test_a_byte_order_mark_and_spaces_around_pieces_are_dropped(tmp_path):
    """Google's reader strips lines; Windows editors begin files with U+FEFF."""
    path = write(tmp_path, "\ufeff" + SPECIAL + "the \n\tcat\n")

    assert Vocabulary.read(path).pieces[:1] == ("[PAD]",)
    assert Vocabulary.read(path).pieces[5:] == ("the", "cat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (SPECIAL.replace("[MASK]\n", ""), r"\[MASK\] missing"),
        ("\n\n", "is empty"),
        ("[UNK]\n[PAD]\n[CLS]\n[SEP]\n[MASK]\n", r"line 2: \[PAD\] must be the first line"),
        (b"\xff\xfe[PAD]", "byte 0 is not UTF-8"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, content, message):
    """A vocabulary that can't be used says what is wrong, and where."""
    path = write(tmp_path, content)

    with pytest.raises(InputError, match=message) as error:
        Vocabulary.read(path)

    assert str(path) in str(error.value)


def test_missing_file_is_the_users_error(tmp_path):
    """No traceback for a path that is wrong."""
    with pytest.raises(InputError, match="no such vocabulary file"):
        Vocabulary.read(tmp_path / "vocab.txt")


def test_googles_file_is_read(real_data):
    """BERT's uncased vocabulary has 30,522 pieces with [CLS] at 101."""
    vocabulary = Vocabulary.read(real_data / "uncased-vocab.txt")

    assert len(vocabulary) == 30522
    assert (vocabulary.pad_id, vocabulary.unk_id, vocabulary.cls_id) == (0, 100, 101)
