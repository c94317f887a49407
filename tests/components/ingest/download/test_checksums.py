"""Published lists of checksums."""

import pytest

from components.ingest.download.checksums import read_checksums, require_listed, with_checksums
from components.ingest.download.sources import parse_source
from components.shared.errors import InputError

MD5, SHA1, SHA256 = "a" * 32, "b" * 40, "c" * 64


def test_the_length_of_a_digest_tells_its_algorithm(tmp_path):
    """Lines of the md5sum, sha1sum and sha256sum commands may be mixed."""
    path = tmp_path / "sums.txt"
    path.write_text(f"{MD5}  x.xml\n{SHA1} *./x.xml\n\n{SHA256}  y z.xml\n")

    checksums = read_checksums(path)

    assert checksums == {"x.xml": {"md5": MD5, "sha1": SHA1}, "y z.xml": {"sha256": SHA256}}


@pytest.mark.parametrize("line", ["x.xml", f"{MD5[:-1]}  x.xml", f"{MD5}"])
def test_a_line_of_another_form_is_named(tmp_path, line):
    """By file and line."""
    path = tmp_path / "sums.txt"
    path.write_text(f"{MD5}  y.xml\n{line}\n")

    with pytest.raises(InputError, match=f"{path}, line 2: not a checksum"):
        read_checksums(path)


def test_a_list_that_covers_no_input_is_rejected():
    """It would check nothing while the user believes it does."""
    latest = parse_source("https://host/enwiki-latest-pages-articles.xml.bz2")

    with pytest.raises(InputError, match=r"sums\.txt: lists none of the inputs .*by its date"):
        require_listed([latest], {"enwiki-20260101-pages-articles.xml.bz2": {}}, "sums.txt")


def test_listed_digests_join_the_conditions_of_a_source():
    """By the file's name."""
    source = with_checksums(parse_source(f"a/x.xml#md5={MD5}"), {"x.xml": {"sha1": SHA1}})

    assert source.algorithm_to_digest == {"md5": MD5, "sha1": SHA1}


def test_a_list_and_a_condition_that_differ_are_rejected():
    """Neither is taken silently."""
    source = parse_source(f"a/x.xml#md5={MD5}")

    with pytest.raises(InputError, match="correct one of them"):
        with_checksums(source, {"x.xml": {"md5": "d" * 32}})
