"""Records out of text files, however these are cut and packed."""

import bz2
import io
import json
from itertools import islice

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.preprocess.input_limits import Limits
from components.preprocess.text_files import parquet, reading
from components.preprocess.text_files.files import TextSettings, open_text_files
from components.preprocess.text_files.reading import read_record_batches, read_records
from components.shared.errors import InputError
from tests.bombs import NUM_BYTES, peak_of_memory
from tests.components.preprocess.text_samples import PACK


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "text").mkdir()
    return tmp_path / "text"


def read(folder, part_bytes=1 << 20, **settings):
    files = open_text_files(str(folder), TextSettings(**settings))
    return [record for part in files.cut(part_bytes) for record in read_records(part)]


def texts(records):
    return [record.problem or record.data.decode() for record in records]


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ("file", ["a\nb\n\n \nc\n"]),
        ("blank-line", ["a\nb", "c"]),
        ("google", ["a\nb", "c"]),
        ("line", ["a", "b", "c"]),
    ],
)
def test_documents_are_what_the_setting_says(folder, documents, expected, ending):
    """However the file is packed; a mark at its start is no text."""
    (folder / f"a.txt{ending}").write_bytes(PACK[ending](b"\xef\xbb\xbfa\nb\n\n \nc\n"))

    assert texts(read(folder, documents=documents)) == expected


@pytest.mark.parametrize("documents", ["blank-line", "line"])
@given(
    content=st.lists(st.sampled_from(["a", "bb bb", "", " ", "\t", "ü", "c" * 50]), max_size=30),
    end=st.sampled_from(["\n", "\r\n"]),
    part_bytes=st.integers(1, 40),
)
def test_cutting_changes_nothing(tmp_path_factory, documents, content, end, part_bytes):
    """Each document is read once, by the part that it starts in, and tells its place."""
    folder = tmp_path_factory.mktemp("text")
    data = end.join(content).encode()
    (folder / "a.txt").write_bytes(data)

    records = read(folder, part_bytes, documents=documents)

    if data:
        assert records == read(folder, documents=documents)
    for record in records:
        assert record.problem or data[record.place :].startswith(record.data)


def test_a_blank_line_before_a_part_is_found_behind_a_long_one(folder, monkeypatch):
    """A part looks back a little; a line longer than that is not blank."""
    monkeypatch.setattr(reading, "_LOOK_BACK_BYTES", 8)
    (folder / "a.txt").write_text("x" * 40 + "\ny\n\nz\n" + "w" * 40 + "\n\nv")

    whole = read(folder)

    assert texts(whole) == ["x" * 40 + "\ny", "z\n" + "w" * 40, "v"]
    for part_bytes in range(1, 60):
        assert read(folder, part_bytes) == whole


@pytest.mark.parametrize("documents", ["file", "blank-line", "line"])
def test_a_document_that_is_too_long_costs_itself_only(folder, documents):
    """It is never held as a whole; the next one is read."""
    limits = Limits(document_bytes=100)
    (folder / "a.txt").write_text("a\n\n" + "x" * 1000 + "\n\nb\n")

    expected = ["too long"] if documents == "file" else ["a", "too long", "b"]
    assert texts(read(folder, documents=documents, limits=limits)) == expected
    assert texts(read(folder, 10, documents=documents, limits=limits)) == expected


def test_many_short_lines_make_a_document_too_long_as_well(folder):
    """The limit is the document's, not the line's."""
    (folder / "a.txt").write_text("line of text\n" * 20 + "\nb")

    limited = read(folder, limits=Limits(document_bytes=100))
    assert texts(limited) == ["too long", "b"]


@pytest.mark.parametrize("ending", PACK)
def test_json_lines_are_a_document_each(folder, ending):
    """Blank lines between them are skipped."""
    lines = [json.dumps({"text": text}) for text in ("one", "two\nlines")]
    (folder / f"a.jsonl{ending}").write_bytes(PACK[ending]("\n\n".join(lines).encode()))

    assert texts(read(folder)) == lines
    assert texts(read(folder, 3, documents="file")) == lines


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("part_bytes", [1, 1 << 20])
def test_parquet_gives_its_column(folder, ending, part_bytes):
    """A row group is a piece of work; a null is counted; a place is a row."""
    rows = [f"Text {number}." for number in range(25)]
    rows[7] = None
    table = pyarrow.table({"id": range(25), "body": rows})
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file, row_group_size=10)
    (folder / f"a.parquet{ending}").write_bytes(PACK[ending](file.getvalue()))

    records = read(folder, part_bytes, field="body")

    assert [record.place for record in records] == list(range(25))
    assert texts(records) == [text or "null" for text in rows]


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.large_string(),
        pyarrow.binary(),
        pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
    ],
)
def test_parquet_holds_text_in_several_types(folder, kind):
    """As other tools write it."""
    column = pyarrow.array(["one", "two", "one"]).cast(kind)
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), folder / "a.parquet")

    assert texts(read(folder)) == ["one", "two", "one"]


def test_parquet_without_the_column_lists_those_it_has(folder):
    """The setting to change is named."""
    pyarrow.parquet.write_table(pyarrow.table({"id": [1], "body": ["x"]}), folder / "a.parquet")

    with pytest.raises(InputError, match="no column 'text'; its columns are 'id', 'body': name"):
        read(folder)
    with pytest.raises(InputError, match="column 'id' holds int64, not text"):
        read(folder, field="id")


@pytest.mark.parametrize("ending", [*PACK][1:])
@pytest.mark.parametrize("name", ["a.txt", "a.parquet"])
def test_a_file_that_is_cut_short_is_an_error(folder, ending, name):
    """Text would be missing without a word."""
    data = b"".join(b"%d some text\n" % (number * 7919) for number in range(100_000))
    if name == "a.parquet":
        file = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table({"text": [data.decode()]}), file)
        data = file.getvalue()
    packed = PACK[ending](data)
    (folder / f"{name}{ending}").write_bytes(packed[: len(packed) // 2])

    with pytest.raises(InputError, match=r"cut short|damaged"):
        read(folder)


@pytest.mark.parametrize("ending", [*PACK][1:])
def test_several_packed_streams_are_one_file(folder, ending):
    """As `cat a.gz b.gz` and pzstd make them."""
    (folder / f"a.txt{ending}").write_bytes(PACK[ending](b"one\n\n") + PACK[ending](b"two\n"))

    assert texts(read(folder)) == ["one", "two"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32-le"])
def test_encodings_of_wide_units_are_read_whole(folder, encoding):
    """Their line ends are no byte of their own."""
    (folder / "a.txt").write_bytes("eins\n\nzwei ü\n".encode(encoding))

    assert texts(read(folder, 3, encoding=encoding)) == ["eins", "zwei ü"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty file"),
        (b"\n <!DOCTYPE html><p>Not found", "HTML"),
        (b"\xef\xbb\xbf<html>", "HTML"),
    ],
)
def test_a_file_that_is_no_text_is_counted(folder, content, problem):
    """Once, and costs itself only."""
    (folder / "a.txt").write_bytes(content)
    (folder / "b.txt").write_bytes(b"text\n")

    assert texts(read(folder, 4)) == [problem, "text"]


@pytest.mark.parametrize("ending", sorted(set(PACK) - {""}))
def test_a_decompression_bomb_is_an_error(folder, ending):
    """In little memory."""
    (folder / f"a.txt{ending}").write_bytes(PACK[ending](bytes(NUM_BYTES)))

    with peak_of_memory() as peak, pytest.raises(InputError, match=r"a\.txt.*decompression bomb"):
        read(folder)

    assert peak() < 64 << 20
    assert texts(read(folder, limits=Limits(document_bytes=100, max_expansion=1e7)))


def test_a_text_that_parquet_repeats_takes_memory_once(tmp_path):
    """Its dictionary holds four megabytes, and each row only their number there."""
    path = tmp_path / "a.parquet"
    values = pyarrow.DictionaryArray.from_arrays([0] * 300, ["x" * (4 << 20)])
    # Without the schema of Arrow, which would have it read as a dictionary again.
    table = pyarrow.table({"text": values})
    pyarrow.parquet.write_table(table, path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 2000

    with path.open("rb") as file:
        for row in islice(parquet.read_rows(str(path), file, "text", [0]), 20):
            assert len(row.data) == 4 << 20
            assert pyarrow.total_allocated_bytes() < 64 << 20


def test_archives_exports_and_empty_folders_are_errors(folder):
    """Each says what to give instead."""
    with pytest.raises(InputError, match="no file in it; put text there"):
        read(folder)
    (folder / "_SUCCESS").touch()
    (folder / "a.zip").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(InputError, match=r"a\.zip: an archive; unpack it"):
        read(folder)
    (folder / "a.zip").unlink()
    (folder / "wiki.xml.bz2").write_bytes(
        bz2.compress(b'<?xml version="1.0"?>\n<mediawiki version="0.11">')
    )
    with pytest.raises(InputError, match=r"wiki\.xml\.bz2: a MediaWiki export.*give it as dump"):
        read(folder)


def test_batches_hold_about_a_megabyte(folder):
    """In the order of the file."""
    (folder / "a.txt").write_text("".join(f"{number:0100}\n" for number in range(25_000)))
    (part,) = open_text_files(str(folder), TextSettings(documents="line")).cut(1 << 30)

    batches = list(read_record_batches(part))

    assert [len(batch.items) for batch in batches] == [10_000, 10_000, 5_000]
    assert [int(record.data) for batch in batches for record in batch.items] == list(range(25_000))
