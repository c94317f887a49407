"""Whether a file is what it should be, and all of it."""

import bz2
import gzip
import hashlib
import re
import subprocess

import pytest

from components.ingest.download.file_checks import check_conditions, check_export, check_not_a_page
from components.ingest.download.sources import parse_source
from components.shared.errors import InputError
from tests.bombs import NUM_BYTES, peak_of_memory
from tests.components.ingest.samples import make_export

EXPORT = make_export(200)
COMPRESSION_TO_CONTENT = {
    "plain": EXPORT,
    "bz2": bz2.compress(EXPORT),
    "gzip": gzip.compress(EXPORT),
}


def write(tmp_path, content):
    """Write a file of that content."""
    path = tmp_path / "dump"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("compression", COMPRESSION_TO_CONTENT)
def test_a_whole_export_is_accepted_and_tells_its_wiki(tmp_path, compression):
    """In each form of compression."""
    path = write(tmp_path, COMPRESSION_TO_CONTENT[compression])

    assert check_export(path, compression) == "testwiki"


@pytest.mark.parametrize("compression", COMPRESSION_TO_CONTENT)
@pytest.mark.parametrize("lost", [1, 4, 10, 100, 500])
def test_an_export_without_its_end_is_rejected(tmp_path, compression, lost):
    """However little is missing; of the plain one, the last byte is a mere line break."""
    content = COMPRESSION_TO_CONTENT[compression][: -lost - (compression == "plain")]
    path = write(tmp_path, content)

    with pytest.raises(InputError, match=f"{path}: cut short after {len(content)} bytes"):
        check_export(path, compression)


def test_the_end_of_bz2_is_found_at_every_bit(tmp_path):
    """Its mark stands at any of eight bits; content of many lengths brings all of them."""
    shifts = set()
    for number in range(60):
        content = bz2.compress(make_export(number))
        shifts.add(_find_padding(content))

        assert check_export(write(tmp_path, content), "bz2") == "testwiki"

    assert shifts == set(range(8))


def _find_padding(content):
    bits = "".join(f"{byte:08b}" for byte in content)
    return len(bits) - (bits.rindex(f"{0x177245385090:048b}") + 48 + 32)


def test_a_multistream_dump_cut_between_streams_is_rejected(tmp_path):
    """Each stream ends with bzip2's mark, so only the closing tag tells."""
    middle = len(EXPORT) // 2
    first, second = bz2.compress(EXPORT[:middle]), bz2.compress(EXPORT[middle:])
    whole, cut = write(tmp_path, first + second), tmp_path / "cut"
    cut.write_bytes(first)

    assert check_export(whole, "bz2") == "testwiki"
    with pytest.raises(InputError, match=f"{cut}: cut short"):
        check_export(cut, "bz2")


def test_real_dumps_are_accepted(real_data):
    """One of a single stream, one of many."""
    single = real_data / "enwiki-excerpt.xml.bz2"
    multistream = real_data / "enwiktionary-excerpt-multistream.xml.bz2"

    assert check_export(single, "bz2") == "enwiki"
    assert check_export(multistream, "bz2") == "enwiktionary"


@pytest.mark.parametrize("compression", COMPRESSION_TO_CONTENT)
def test_other_xml_is_not_an_export(tmp_path, compression):
    """The message shows how it begins."""
    content = {
        "plain": b"<rss></rss>",
        "bz2": bz2.compress(b"<rss></rss>"),
        "gzip": gzip.compress(b"<rss></rss>"),
    }
    path = write(tmp_path, content[compression])

    with pytest.raises(InputError, match=r"not a MediaWiki XML export.*<rss></rss>"):
        check_export(path, compression)


@pytest.mark.parametrize("compression", ["bz2", "gzip"])
def test_a_damaged_start_is_rejected(tmp_path, compression):
    """The decompressor's own complaint is part of the message."""
    content = bytearray(COMPRESSION_TO_CONTENT[compression])
    content[3:60] = b"\x00" * 57
    path = write(tmp_path, bytes(content))

    with pytest.raises(InputError, match=f"{path}: damaged {compression} data"):
        check_export(path, compression)


def test_a_name_that_says_another_compression_is_rejected(tmp_path):
    """The remedy is to rename the file."""
    path = write(tmp_path, COMPRESSION_TO_CONTENT["gzip"])

    with pytest.raises(InputError, match=r"its name says bz2, its first bytes .* say gzip"):
        check_export(path, "bz2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n<!DOCTYPE html><title>Not\nhere</title>", "an HTML page titled"),
        (b"<HTML lang='en'>", "an HTML page, not the file"),
    ],
)
def test_an_empty_file_and_a_web_page_are_rejected(tmp_path, content, said):
    """Servers send pages with status 200 in place of errors."""
    path = write(tmp_path, content)

    with pytest.raises(InputError, match=f"{path}: {said}"):
        check_not_a_page(path)


def test_conditions_that_hold_give_the_digests(tmp_path):
    """Those that the manifest needs are always among them."""
    path = write(tmp_path, b"abc")
    md5 = hashlib.md5(b"abc").hexdigest()

    digests = check_conditions(path, parse_source(f"{path}#md5={md5}&size=3"))

    sha256 = hashlib.sha256(b"abc").hexdigest()
    assert digests == {"md5": md5, "sha256": sha256, "crc32c": "364b3fb7"}


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_a_digest_that_differs_is_told_with_both(tmp_path, algorithm):
    """Got and expected."""
    path = write(tmp_path, b"abc")
    expected = hashlib.new(algorithm, b"abd").hexdigest()
    got = hashlib.new(algorithm, b"abc").hexdigest()

    with pytest.raises(InputError, match=f"{path}: {algorithm} {got}, expected {expected}"):
        check_conditions(path, parse_source(f"{path}#{algorithm}={expected}"))


def test_a_size_that_differs_is_told_with_both(tmp_path):
    """Before any checksum is made."""
    path = write(tmp_path, b"abc")

    with pytest.raises(InputError, match=f"{path}: 3 bytes, expected 4"):
        check_conditions(path, parse_source(f"{path}#size=4"))


@pytest.mark.parametrize("after", [b"\0" * 100, b"\n", b"some text" * 40])
@pytest.mark.parametrize("num_streams", [1, 3])
def test_bytes_after_the_last_bz2_stream_are_ignored(tmp_path, num_streams, after):
    """As bzip2 does."""
    step = -(-len(EXPORT) // num_streams)
    parts = [EXPORT[start : start + step] for start in range(0, len(EXPORT), step)]
    path = write(tmp_path, b"".join(map(bz2.compress, parts)) + after)

    assert check_export(path, "bz2") == "testwiki"


@pytest.mark.parametrize("num_last", [1, 8, 5000])
@pytest.mark.parametrize("after", [b"", b"\n", b"<!-- made by a tool -->\n"])
def test_the_end_of_an_export_may_be_spread_over_streams(tmp_path, num_last, after):
    """Tools that compress on several processors cut anywhere, also within the last tag."""
    export = EXPORT.rstrip() + after
    path = write(tmp_path, bz2.compress(export[:-num_last]) + bz2.compress(export[-num_last:]))

    assert check_export(path, "bz2") == "testwiki"


@pytest.mark.parametrize("compression", COMPRESSION_TO_CONTENT)
def test_a_comment_may_follow_the_last_tag(tmp_path, compression):
    """XML allows it; preprocessing reads such an export as well."""
    pack = {"plain": bytes, "bz2": bz2.compress, "gzip": gzip.compress}[compression]
    path = write(tmp_path, pack(EXPORT + b"<!-- made by a tool -->\n"))

    assert check_export(path, compression) == "testwiki"


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_another_encoding_is_named_so_that_it_can_be_converted(tmp_path, encoding):
    """Its pages would be lost one by one; the advice works."""
    path = write(tmp_path, EXPORT.decode().encode(encoding))

    with pytest.raises(InputError, match="and only UTF-8 can be read; convert it: iconv") as error:
        check_export(path, "plain")

    name = re.search("iconv -f (\\S+) -t UTF-8", str(error.value))[1]
    assert subprocess.check_output(["iconv", "-f", name, "-t", "UTF-8", path]) == EXPORT


@pytest.mark.parametrize("num_streams", [1, 2])
@pytest.mark.parametrize("compression", ["bz2", "gzip"])
def test_a_decompression_bomb_is_rejected(tmp_path, compression, num_streams):
    """In little memory, wherever in the file it is."""
    pack = {"bz2": bz2.compress, "gzip": gzip.compress}[compression]
    parts = [EXPORT[:500], bytes(NUM_BYTES)]
    packed = map(pack, parts) if num_streams > 1 else [pack(b"".join(parts))]
    path = write(tmp_path, b"".join(packed))

    with (
        peak_of_memory() as peak,
        pytest.raises(InputError, match=f"{path}: .* decompression bomb"),
    ):
        check_export(path, compression)

    assert peak() < 32 << 20


@pytest.mark.parametrize("compression", ["bz2", "gzip"])
def test_text_that_repeats_itself_passes_with_a_larger_limit(tmp_path, compression):
    """The error names the setting that lets it through."""
    pack = {"bz2": bz2.compress, "gzip": gzip.compress}[compression]
    start, end = EXPORT.split(b"</mediawiki>")[0], b"</mediawiki>"
    streams = (pack(start), pack(b" " * NUM_BYTES + end))
    path = write(tmp_path, b"".join(streams))
    with pytest.raises(InputError, match="or raise max_expansion"):
        check_export(path, compression)

    assert check_export(path, compression, 1e6) == "testwiki"
