import bz2
import gzip
import re

import pytest

from components.preprocess.dump import reading
from components.preprocess.dump.files import open_dump
from components.preprocess.dump.reading import read_pages
from components.preprocess.input_limits import Limits
from components.shared.errors import InputError
from tests.bombs import NUM_BYTES, peak_of_memory

HEAD = "<mediawiki>\n<siteinfo></siteinfo>\n"
FOOT = "</mediawiki>\n"
PAGES = [f"<page><id>{number}</id>{'x' * (number * 37 % 400)}</page>\n" for number in range(60)]


def compress_streams(*texts):
    return b"".join(bz2.compress(text.encode(), 1) for text in texts)


def read_all(folder, part_bytes, **limits):
    parts = open_dump(str(folder), Limits(**limits)).cut(part_bytes)
    return [page for part in parts for page in read_pages(part)]


def as_multistream():
    """As Wikimedia does: ten pages a stream, head and foot in streams of their own."""
    groups = ["".join(PAGES[start : start + 10]) for start in range(0, 60, 10)]
    return compress_streams(HEAD, *groups, FOOT)


def as_streams_that_cut_pages():
    """As pbzip2 does: streams end anywhere, also within a tag."""
    text = HEAD + "".join(PAGES) + FOOT
    return compress_streams(*(text[start : start + 101] for start in range(0, len(text), 101)))


FILES = {
    "plain": (HEAD + "".join(PAGES) + FOOT).encode(),
    "gzip": gzip.compress((HEAD + "".join(PAGES) + FOOT).encode()),
    "single stream": compress_streams(HEAD + "".join(PAGES) + FOOT),
    "multistream": as_multistream(),
    "streams that cut pages": as_streams_that_cut_pages(),
}


@pytest.mark.parametrize("part_bytes", [1, 7, 50, 333, 1 << 20])
@pytest.mark.parametrize("name", FILES)
def test_pages_do_not_depend_on_the_parts(dump_folder, name, part_bytes):
    """Each page is read once, however the file is compressed and cut."""
    (dump_folder / "dump").write_bytes(FILES[name])

    pages = read_all(dump_folder, part_bytes)

    assert [page.decode() + "\n" for page in pages] == PAGES


@pytest.mark.parametrize("part_bytes", [1 << 14, 1 << 20])
def test_real_multistream_dump_is_read_in_parts(real_data, dump_folder, part_bytes):
    """A dump of Wikimedia gives the same pages in ranges as in one piece."""
    content = (real_data / "enwiktionary-excerpt-multistream.xml.bz2").read_bytes()
    (dump_folder / "dump.xml.bz2").write_bytes(content)
    expected = re.findall(rb"<page>.*?</page>", bz2.decompress(content), re.DOTALL)

    assert read_all(dump_folder, part_bytes) == expected
    assert len(expected) == 300


@pytest.mark.parametrize("part_bytes", [50, 1 << 20])
@pytest.mark.parametrize("cut", [1, 20, 200])
@pytest.mark.parametrize("name", FILES)
def test_cut_file_is_rejected(dump_folder, name, cut, part_bytes):
    """A file that lost its end is never taken for a whole one."""
    (dump_folder / "dump").write_bytes(FILES[name][: -max(cut, 2 if name == "plain" else 0)])

    with pytest.raises(InputError, match="cut short"):
        read_all(dump_folder, part_bytes)


@pytest.mark.parametrize("part_bytes", [50, 1 << 20])
def test_multistream_cut_between_streams_is_rejected(dump_folder, part_bytes):
    """Each stream is whole, but the last one is missing."""
    (dump_folder / "dump").write_bytes(compress_streams(HEAD, "".join(PAGES[:10])))

    with pytest.raises(InputError, match="ends without </mediawiki>"):
        read_all(dump_folder, part_bytes)


def test_damaged_stream_is_named_with_its_place(dump_folder):
    """A flipped byte is found by bzip2's checksums."""
    content = bytearray(FILES["multistream"])
    second = content.index(b"BZh1", 1)
    content[second + 60] ^= 0xFF
    (dump_folder / "dump").write_bytes(content)

    with pytest.raises(InputError, match=f"damaged bz2 data .* starts at byte {second}; fetch"):
        read_all(dump_folder, 1 << 20)


@pytest.mark.parametrize("part_bytes", [1 << 11, 1 << 20])
def test_page_that_is_too_long_costs_itself_only(dump_folder, monkeypatch, part_bytes):
    """Whatever its size, in bounded memory; a larger limit lets it through whole."""
    monkeypatch.setattr(reading, "_CHUNK_BYTES", 1000)
    long = f"<page><id>99</id>{'y' * 20_000}</page>\n"
    text = HEAD + PAGES[0] + long + PAGES[1] + FOOT
    (dump_folder / "dump").write_text(text)

    pages = read_all(dump_folder, part_bytes, document_bytes=5000)
    all_pages = read_all(dump_folder, part_bytes, document_bytes=50_000)

    others = [page.strip().encode() for page in PAGES[:2]]
    assert pages == [others[0], "too long", others[1]]
    assert all_pages == [others[0], long.strip().encode(), others[1]]


def test_zeros_after_the_last_stream_are_no_stream(dump_folder):
    """Padding that some tools write at the end of a file is passed over."""
    (dump_folder / "dump").write_bytes(FILES["multistream"] + b"\0" * 100)

    assert len(read_all(dump_folder, 1 << 20)) == len(PAGES)


@pytest.mark.parametrize("after", [b"\0" * 100, b"BZh", b"BZh9 and more", b"\x1f\x8b text" * 40])
def test_bytes_after_the_last_stream_are_ignored(dump_folder, after):
    """As bzip2 does."""
    (dump_folder / "dump").write_bytes(FILES["multistream"] + after)

    assert len(read_all(dump_folder, 1 << 20)) == len(PAGES)


def test_stream_without_content_ends_nothing(dump_folder):
    """Tools that append streams may leave one empty."""
    (dump_folder / "dump").write_bytes(compress_streams(HEAD, *PAGES[:30], "", *PAGES[30:], FOOT))

    assert len(read_all(dump_folder, 1 << 20)) == len(PAGES)


MALFORMED = {
    "a page not closed": PAGES[0] + "<page><id>99</id>lost\n" + PAGES[1] + FOOT,
    "a page closed twice": PAGES[0] + "</page>\n" + PAGES[1] + FOOT,
    "the last page not closed": PAGES[0] + "<page><id>99</id>lost\n" + FOOT,
    "a comment after the end": PAGES[0] + PAGES[1] + FOOT + "<!-- made by hand -->\n",
    "a page in a page": "<page>a<page>b</page>c</page>" + PAGES[1] + FOOT,
    "too long": PAGES[0] + f"<page>{'y' * 3000}<page>{'z' * 2500}</page>\n" + PAGES[1] + FOOT,
}


@pytest.mark.parametrize("part_bytes", [*range(1, 40), 333, 1 << 20])
@pytest.mark.parametrize("name", MALFORMED)
def test_pages_of_malformed_xml_do_not_depend_on_the_parts(dump_folder, name, part_bytes):
    """Only the text right there decides where a page starts and ends."""
    (dump_folder / "dump").write_text(HEAD + MALFORMED[name])
    expected = read_all(dump_folder, 1 << 30, document_bytes=2000)

    assert read_all(dump_folder, part_bytes, document_bytes=2000) == expected
    assert len(expected) > 1


def test_file_without_its_end_is_rejected_however_it_is_cut(dump_folder):
    """Also where the last part would be too small to tell."""
    (dump_folder / "dump").write_text(HEAD + "".join(PAGES))

    for part_bytes in (1, 2, 7, 333, 1 << 20):
        with pytest.raises(InputError, match="ends without </mediawiki>"):
            read_all(dump_folder, part_bytes)


def test_tags_in_character_data_are_text(dump_folder):
    """A plain file with CDATA is read in one piece, which tells where it ends."""
    page = "<page><id>1</id><text><![CDATA[</page> <page> x]]></text></page>"
    (dump_folder / "dump").write_text(HEAD + page + PAGES[1] + FOOT)

    pages = read_all(dump_folder, 10)

    assert [one.decode() for one in pages] == [page, PAGES[1].strip()]


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress])
@pytest.mark.parametrize("num_streams", [1, 3])
def test_a_decompression_bomb_is_an_error(dump_folder, pack, num_streams):
    """In little memory, also where the file is cut into parts and where it ends."""
    texts = [HEAD.encode(), b"<page>x</page>", bytes(NUM_BYTES)]
    packed = map(pack, texts) if num_streams > 1 else [pack(b"".join(texts))]
    (dump_folder / "dump").write_bytes(b"".join(packed))

    with peak_of_memory() as peak, pytest.raises(InputError, match="/dump: .*decompression bomb"):
        read_all(dump_folder, 1 << 20)

    assert peak() < 64 << 20


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress])
def test_text_that_repeats_itself_is_read_with_a_larger_limit(dump_folder, pack):
    """A page with its whole history may be smaller than usual by far, and is read in one go."""
    page = b"<page>" + b"x" * NUM_BYTES + b"</page>"
    (dump_folder / "dump").write_bytes(pack(HEAD.encode() + page + FOOT.encode()))
    with pytest.raises(InputError, match="or raise max_expansion"):
        read_all(dump_folder, 1 << 20)

    pages = read_all(dump_folder, 1 << 20, max_expansion=1e6, document_bytes=2 * NUM_BYTES)

    # Without a comparison that pytest would show.
    assert [one == page for one in pages] == [True]
