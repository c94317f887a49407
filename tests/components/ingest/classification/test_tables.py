"""Labeled sentences are read as published, and a file that can't be is refused by its line."""

import json

import pytest

from components.ingest.classification.glue import Columns, find_columns
from components.ingest.classification.tables import read_table
from components.shared.classification.sentences import Row
from components.shared.errors import InputError

# A few rows of our own in the form of each of GLUE's files.
GLUE = {
    "cola": (
        "gj04\t1\t\tThe boat sank slowly.\ngj04\t0\t*\tThe boat sank it slowly the.\n",
        [("The boat sank slowly.", None, "1"), ("The boat sank it slowly the.", None, "0")],
    ),
    "sst-2": (
        'sentence\tlabel\nhides its best ideas \t0\na " quiet " joy \t1\n',
        [("hides its best ideas ", None, "0"), ('a " quiet " joy ', None, "1")],
    ),
    "mrpc": (
        "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
        '1\t70\t71\tHe said , " It rains .\tIt rains , he said .\r\n'
        '0\t72\t73\t"Never\tNever " again .\r\n',
        [
            ('He said , " It rains .', "It rains , he said .", "1"),
            ('"Never', 'Never " again .', "0"),
        ],
    ),
    "mnli": (
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
        "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tgold_label\n"
        "0\t1\t1n\tfiction\t( A b )\t( C d )\t(ROOT A)\t(ROOT C)\tA b.\tC d.\t"
        "neutral\tneutral\tneutral\n"
        "1\t2\t2e\tfiction\t( A b )\t( C d )\t(ROOT A)\t(ROOT C)\tE f.\tG h.\t"
        "neutral\tentailment\t-\n",
        [("A b.", "C d.", "neutral")],
    ),
    "rte": (
        "index\tsentence1\tsentence2\tlabel\n0\tIt rained all day.\tIt rained.\tentailment\n"
        "1\tIt rained.\tIt snowed.\tnot_entailment\n",
        [
            ("It rained all day.", "It rained.", "entailment"),
            ("It rained.", "It snowed.", "not_entailment"),
        ],
    ),
    "qqp": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
        "0\t1\t2\tHow do I swim?\tHow can I swim?\t1\n"
        '1\t3\t4\tWho is "X?\t\t0\n'
        # A question with a line's end in it: two parts, neither of which is a row.
        "2\t5\t6\tWhat is\n"
        " this?\tWhat is it?\t0\n"
        "3\t7\t8\tWhy?\tWhy not?\t0\n",
        [
            ("How do I swim?", "How can I swim?", "1"),
            ('Who is "X?', "", "0"),
            ("Why?", "Why not?", "0"),
        ],
    ),
    "qnli": (
        "index\tquestion\tsentence\tlabel\n"
        "0\tWhen?\tIn 1990, he said.\tentailment\n"
        '1\tWhere?\tNobody "knows.\n'
        "2\tWho?\tA\tnot_entailment\n"
        "3\tWho?\tA tab\there\tentailment\n",
        [("When?", "In 1990, he said.", "entailment"), ("Who?", "A", "not_entailment")],
    ),
    "wnli": (
        "index\tsentence1\tsentence2\tlabel\n"
        "0\tThe cup fell off the table; it broke.\tThe cup broke.\t1\n"
        "1\tThe cup fell off the table; it broke.\tThe table broke.\t0\n",
        [
            ("The cup fell off the table; it broke.", "The cup broke.", "1"),
            ("The cup fell off the table; it broke.", "The table broke.", "0"),
        ],
    ),
    "sts-b": (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tmain-captions\tMSRvid\t2012test\t0001\tnone\tnone\tA man sings.\tA man sang.\t5.000\n"
        '1\tmain-news\theadlines\t2015\t7\tnone\tnone\t"Rain.\tIt is dry.\t0.250\n',
        [("A man sings.", "A man sang.", "5"), ('"Rain.', "It is dry.", "0.250")],
    ),
}


OWN = Columns()


def read(tmp_path, content: str | bytes, columns=OWN, name="x.tsv", **settings) -> list[tuple]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [line.row[:3] for line in read_table(path, str(path), columns, **settings).lines]


@pytest.mark.parametrize("task", GLUE)
def test_glues_files_are_read_as_published(tmp_path, task):
    """No header in CoLA's, single quotation marks in MRPC's, no gold label in some of MNLI's."""
    content, expected = GLUE[task]

    assert read(tmp_path, content, find_columns(task)) == expected


def test_csv_has_quotes(tmp_path):
    """A comma, a doubled quotation mark and a line's end in a field; CRLF or LF."""
    content = 'label,sentence\r\nx,"one, ""two""\nthree"\r\ny,four\n'

    assert read(tmp_path, content, name="x.csv") == [
        ('one, "two"\nthree', None, "x"),
        ("four", None, "y"),
    ]


def test_json_lines_name_their_fields(tmp_path):
    """Other fields are passed over; a label may be a number."""
    columns = Columns(sentence="a", second_sentence="b", label="y")
    lines = [{"a": "one", "b": "", "y": 1, "id": 7}, {"y": "no", "b": "two", "a": "three"}]
    content = "\n".join(json.dumps(line) for line in lines)

    assert read(tmp_path, content, columns, "x.jsonl") == [
        ("one", "", "1"),
        ("three", "two", "no"),
    ]


def test_the_group_of_a_row_is_read(tmp_path):
    """A number of JSON or a spreadsheet's float is the same group as the whole number."""
    columns = Columns(sentence="q", second_sentence="i", label="y", group="u", task="ranking")
    (tmp_path / "x.csv").write_text("u,q,i,y\n7.0,a,b,1\nx y,a,c,0\n", encoding="utf-8")
    lines = [{"u": 7, "q": "a", "i": "b", "y": 2}]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    table, objects = (read_table(tmp_path / n, n, columns).lines for n in ("x.csv", "x.jsonl"))

    assert [line.row for line in table] == [Row("a", "b", "1", "7"), Row("a", "c", "0", "x y")]
    assert [line.row for line in objects] == [Row("a", "b", "2", "7")]


def test_an_empty_group_is_rejected(tmp_path):
    """By its line."""
    columns = Columns(group="group", task="ranking")

    with pytest.raises(InputError, match="x.tsv, line 3: the group is empty"):
        read(tmp_path, "sentence\tgroup\tlabel\na\tg\t1\nb\t \t1\n", columns)


def test_columns_are_found_by_number(tmp_path):
    """From 1 up, with a header and without."""
    content = "yes\tone\nno\ttwo\n"
    columns = Columns(sentence="2", label="1", has_header=False)

    assert read(tmp_path, content, columns) == [("one", None, "yes"), ("two", None, "no")]
    with_header = Columns(sentence="2", label="1")
    assert read(tmp_path, content, with_header) == [("two", None, "no")]


def test_text_of_any_script_stays_as_it_is(tmp_path):
    """Emoji, right to left, and what other readers take for a line's end."""
    sentence = "שלום 👩‍👩‍👧 مرحبا\u2028x\x85y"

    assert read(tmp_path, f"sentence\tlabel\n{sentence}\t1\n") == [(sentence, None, "1")]


@pytest.mark.parametrize("name", ["x.txt", "x.csv"])
def test_a_separator_can_be_named(tmp_path, name):
    """Of CSV, too, where quoted fields may hold it."""
    content = "sentence;label\none;a\n" + ('"two;three";b\n' if name == "x.csv" else "two;b\n")

    rows = read(tmp_path, content, name=name, separator=";")

    assert rows == [("one", None, "a"), ("two;three" if name == "x.csv" else "two", None, "b")]


def test_another_separator_than_expected_is_suspected(tmp_path):
    """The header is one field then."""
    with pytest.raises(InputError, match=r"no column 'sentence': .*name it by separator"):
        read(tmp_path, "sentence;label\none;a\n", name="x.csv")


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)
def test_the_encoding_is_read_from_the_file(tmp_path, encoding):
    """From its byte order mark, or from the zeros of UTF-16 and UTF-32."""
    content = "sentence\tlabel\ncafé 茶\tja\n".encode(encoding)

    assert read(tmp_path, content) == [("café 茶", None, "ja")]


@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis"])
def test_an_encoding_can_be_named(tmp_path, encoding):
    """One that nothing in the file tells."""
    content = "sentence\tlabel\n茶を飲む\tx\n".encode(encoding)

    assert read(tmp_path, content, encoding=encoding) == [("茶を飲む", None, "x")]


@pytest.mark.parametrize(
    ("sentence", "suggested"),
    [(b"caf\xe9 \x80", ("café €", "cp1252")), (b"caf\xe9 \x81", ("café \x81", "latin1"))],
)
def test_the_encoding_that_an_error_suggests_reads_the_file(tmp_path, sentence, suggested):
    """cp1252 has no character 0x81, latin1 has all."""
    text, encoding = suggested
    content = b"sentence\tlabel\n" + sentence + b"\t1\n"

    with pytest.raises(InputError) as error:
        read(tmp_path, content)

    assert f"is not UTF-8; set encoding to the file's own, such as {encoding} (" in str(error.value)
    assert read(tmp_path, content, encoding=encoding) == [(text, None, "1")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_error_of_a_wrong_encoding_names_the_right_one(tmp_path, encoding):
    """Not another, in which the file would be other text."""
    content = "sentence\tlabel\n茶を飲む\t1\n".encode(encoding)

    with pytest.raises(InputError, match=f"is not ASCII; set encoding to .* such as {encoding}$"):
        read(tmp_path, content, encoding="ascii")


def test_a_file_in_utf_16_that_is_cut_is_no_other_encoding(tmp_path):
    """Read as cp1252, as the error for other files suggests, it would be full of zeros."""
    content = "sentence\tlabel\ncafé\t1\n".encode("utf-16")[:-1]

    with pytest.raises(InputError, match="is not UTF-16-LE; the file is cut short or"):
        read(tmp_path, content)


@pytest.mark.parametrize("name", ["x.tsv", "x.csv", "x.jsonl"])
def test_lines_may_end_with_carriage_returns_alone(tmp_path, name):
    """As the Macs of old wrote them."""
    content = {
        "x.tsv": "sentence\tlabel\none\t1\n",
        "x.csv": "sentence,label\none,1\n",
        "x.jsonl": '{"sentence": "one", "label": 1}\n{"sentence": "two", "label": 1}\n',
    }[name]

    assert read(tmp_path, content.replace("\n", "\r"), name=name)[0] == ("one", None, "1")


def test_a_field_may_be_of_any_length(tmp_path):
    """Python's csv stops at 131,072 characters by default."""
    sentence = "word " * 60_000

    assert read(tmp_path, f"sentence,label\n{sentence},1\n", name="x.csv") == [
        (sentence, None, "1")
    ]


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("1", "1"), ("1.0", "1"), ("-2.00", "-2"), ("3.", "3"), ("-0.0", "0"), ("True", "true"),
        ("FALSE", "false"), ("01", "01"), ("1.5", "1.5"), ("1.0.0", "1.0.0"), ("yes", "yes"),
    ],
)  # fmt: skip
def test_a_class_has_one_name_however_it_is_written(tmp_path, written, label):
    """1 and 1.0 are one class; 01 is a name, 1.5 a score."""
    assert read(tmp_path, f"sentence\tlabel\nx\t{written}\n") == [("x", None, label)]


@pytest.mark.parametrize(
    ("value", "label"), [(1, "1"), (1.0, "1"), (True, "true"), (False, "false"), (0.5, "0.5")]
)
def test_labels_of_json_lines_may_be_numbers_and_booleans(tmp_path, value, label):
    """As the same labels in a table."""
    line = json.dumps({"sentence": "x", "label": value})

    assert read(tmp_path, line, name="x.jsonl") == [("x", None, label)]


HEAD = "sentence\tlabel\n"
PAIRS = Columns(sentence="a", second_sentence="b", label="y")
BROKEN = {
    "no such column": ("text\tlabel\nx\t1\n", "x.tsv: no column 'sentence': the header has 'text'"),
    "too few fields": (f"{HEAD}one\t1\n\ntwo\n", "line 4: 1 fields, fewer than the 2 of the first"),
    "too many fields": (f"{HEAD}one\t1\ttwo\n", "line 2: 3 fields, more than the 2 of the first"),
    "empty file": ("\n", "x.tsv: the file is empty"),
    "header alone": (HEAD, "x.tsv: no row of sentences in it"),
    "empty sentence": (f"{HEAD}one\t1\n \t0\n", "line 3: the sentence is empty"),
    "empty label": (f"{HEAD}one\t\n", "line 2: the label is empty"),
    "latin1": (
        HEAD.encode() + "one\t1\ncafé\t0\n".encode("latin1"),
        "line 3: byte 24 of the file (0xe9) is not UTF-8",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_table_is_rejected_by_its_line(tmp_path, kind):
    """What is wrong, where."""
    content, message = BROKEN[kind]

    with pytest.raises(InputError) as error:
        read(tmp_path, content)

    assert message in str(error.value)


def test_half_a_surrogate_pair_is_replaced(tmp_path):
    """In sentences, labels and the names of fields."""
    content = r'{"a": "\ud83d.", "b\ud800": "\ud83d\ude00", "y": "\udc00"}'

    rows = read(
        tmp_path, content, Columns(sentence="a", second_sentence="b\ufffd", label="y"), "x.jsonl"
    )

    assert rows == [("\ufffd.", "😀", "\ufffd")]


BROKEN_OBJECTS = {
    "cut": ('{"a": "x", "b": "y", "y": 1}\n{"a": "x"', "line 2: not JSON"),
    # Python 3.13 follows 5,000 of them.
    "deep": ("[" * 200_000, "line 1: not JSON (maximum recursion"),
    "digits": ("9" * 5000, "line 1: not JSON (Exceeds the limit"),
    "no object": ("[1]", "line 1: expected an object, found [1]"),
    "no field": ('{"a": "x", "y": 1}', "line 1: no field 'b' (found 'a', 'y')"),
    "no text": ('{"a": 3, "b": "x", "y": 1}', "line 1: a: expected text, found 3"),
    "null": ('{"a": "x", "b": null, "y": 1}', "line 1: b: expected text, found null"),
    "no label": (
        '{"a": "x", "b": "x", "y": NaN}',
        "line 1: y: NaN is not a finite number; remove the row",
    ),
    "no end": ('{"a": "x", "b": "x", "y": 1e999}', "line 1: y: Infinity is not a finite number"),
    "label with a tab": (
        r'{"a": "x", "b": "x", "y": "1\t2"}',
        "the label '1\\t2' contains a tab or",
    ),
}


@pytest.mark.parametrize("kind", BROKEN_OBJECTS)
def test_broken_json_is_rejected_by_its_line(tmp_path, kind):
    """What is wrong, where."""
    content, message = BROKEN_OBJECTS[kind]

    with pytest.raises(InputError) as error:
        read(tmp_path, content, PAIRS, "x.jsonl")

    assert message in str(error.value)


def test_a_quote_that_is_not_closed_is_rejected(tmp_path):
    """CSV alone: the rest of the file would be one field."""
    with pytest.raises(InputError, match="line 3: unexpected end of data; in CSV a field with"):
        read(tmp_path, 'sentence,label\none,1\n"two,0\n', name="x.csv")


@pytest.mark.parametrize("column", ["0", "3"])
def test_a_column_that_is_not_there_is_rejected(tmp_path, column):
    """Numbers count from 1."""
    with pytest.raises(InputError, match=f"no column '{column}': the first line has 2 fields"):
        read(tmp_path, "x\t1\n", Columns(sentence=column, label="2", has_header=False))


def test_an_unknown_kind_of_file_is_rejected(tmp_path):
    """A spreadsheet, say."""
    with pytest.raises(InputError, match=r"x.xlsx: unknown kind of file; a table's name ends in"):
        read(tmp_path, "x", name="x.xlsx")
