"""What a user may name as an input."""

import os
from pathlib import Path

import pytest

from components.ingest.download.sources import (
    find_compression,
    parse_dump,
    parse_source,
    resolve_local,
)
from components.shared.errors import InputError

SHA1 = "0123456789abcdef0123456789ABCDEF01234567"


def test_conditions_after_a_number_sign_are_read():
    """The digest is compared in lower case."""
    source = parse_source(f"https://host/a/x.xml.bz2#sha1={SHA1}&size=12")

    assert source.location == "https://host/a/x.xml.bz2"
    assert source.num_bytes == 12
    assert source.algorithm_to_digest == {"sha1": SHA1.lower()}


def test_a_number_sign_in_a_file_name_is_no_condition():
    """Only key=value makes a condition."""
    source = parse_source("dumps/c#notes.xml")

    assert source.location == "dumps/c#notes.xml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x.xml#sha1=abc", "sha1 must be 40 hexadecimal digits, got 'abc'"),
        ("x.xml#size=1e3", "size must be a number of bytes, got '1e3'"),
        ("x.xml#crc32=00", "unknown condition 'crc32'"),
        ("ftp://host/x.xml", "can't fetch ftp://"),
        ("https:///x.xml", "names no file"),
        ("https://host/", "names no file"),
        ("http://me:secret@[::1/x.xml?k=secret", "http://***@[::1/x.xml?***: not an address (In"),
        ("https:/me:secret@host/x.xml", "an address begins with https://, got https:/; write"),
        ("s3://me:secret@bucket/x.xml", "s3://***@bucket/x.xml: the address of a bucket holds no"),
        ("s3://my bucket/x.xml", "dashes and underscores alone, got 'my bucket'"),
        ("gs://secret@bucket/x.xml", "gs://***@bucket/x.xml: the address of a bucket holds no u"),
    ],
)
def test_a_wrong_form_is_rejected_with_what_is_known(text, said):
    """Each message names the input."""
    with pytest.raises(InputError, match=r"x\.xml|https") as error:
        parse_source(text)

    assert said in str(error.value)
    assert "secret" not in str(error.value)


def test_several_files_are_separated_by_commas_or_white_space():
    """Both may be mixed."""
    sources = parse_dump(" a.xml, b.xml.bz2\nc.xml.gz ")

    assert [source.location for source in sources] == ["a.xml", "b.xml.bz2", "c.xml.gz"]


def test_an_existing_file_with_a_space_in_its_name_is_one_file(tmp_path):
    """The text is not split where the whole of it is a path."""
    path = tmp_path / "my dump, new.xml"
    path.touch()

    assert [source.location for source in parse_dump(str(path))] == [str(path)]


def test_paths_with_spaces_are_kept_whole_where_they_are_there(tmp_path):
    """Files, folders and patterns, beside others and with conditions."""
    folder = tmp_path / "my dumps"
    folder.mkdir()
    for name in ("a.xml", "b.xml"):
        (folder / name).touch()
    text = f"{folder}/a.xml#size=0, {folder}\n{folder}/*.xml,c.xml d.xml"

    locations = [source.location for source in parse_dump(text)]

    assert locations == [f"{folder}/a.xml", str(folder), f"{folder}/*.xml", "c.xml", "d.xml"]


@pytest.mark.parametrize("separator", [",", " ", "\n"])
def test_a_list_may_be_longer_than_a_path(separator):
    """Enwiki has some sixty files."""
    names = [f"enwiki-20261001-pages-articles-multistream{n}.xml.bz2" for n in range(200)]

    assert [source.location for source in parse_dump(separator.join(names))] == names


@pytest.mark.parametrize("name", ["x" * 300 + ".xml", "x" * 5000 + ".xml", "a\0b.xml"])
def test_a_name_that_no_file_can_have_is_told_as_any_other(name):
    """Not by the number of an error."""
    with pytest.raises(InputError, match=r"\.xml: no such file; the path counts from"):
        resolve_local(parse_source(name))
    with pytest.raises(InputError, match=r"its name is longer than 200 bytes|no such file"):
        resolve_local(parse_source(f"https://host/{name}" if "\0" not in name else name))


@pytest.mark.parametrize(
    ("name", "compression"),
    [
        ("enwiki-20260101-pages-articles.xml.bz2", "bz2"),
        ("enwiki-20260101-pages-articles1.xml-p1p41242.bz2", "bz2"),
        ("enwiki-20260101-pages-articles1.xml-p1p41242", "plain"),
        ("export.xml", "plain"),
        ("export.xml.gz", "gzip"),
    ],
)
def test_the_name_of_a_file_tells_its_compression(name, compression):
    """As Wikimedia names its files."""
    assert find_compression(parse_source(f"https://host/{name}?x=1")) == compression


def test_an_unknown_extension_is_rejected_before_any_download():
    """The remedy names the known ones."""
    with pytest.raises(InputError, match=r"dump\.xml\.7z: unknown kind .* \.xml\.bz2"):
        parse_dump("https://host/dump.xml.7z")


def test_a_pattern_gives_its_files_in_the_order_of_their_names(tmp_path):
    """Folders are left out."""
    for name in ("b.xml", "a.xml"):
        (tmp_path / name).touch()
    (tmp_path / "c.xml").mkdir()

    found = resolve_local(parse_source(f"{tmp_path}/*.xml"))

    assert [Path(source.location).name for source in found] == ["a.xml", "b.xml"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.xml", "no such file"),
        ("*.bz2", "no file matches"),
        ("", "a folder, not a file"),
        ("*.xml#size=3", "conditions .* hold for one file, and 2 match"),
    ],
)
def test_a_path_without_one_clear_file_is_rejected(tmp_path, name, said):
    """The message names the path."""
    for existing in ("a.xml", "b.xml"):
        (tmp_path / existing).touch()

    with pytest.raises(InputError, match=f"{tmp_path}.*: {said}"):
        resolve_local(parse_source(f"{tmp_path}/{name}"))


def test_the_label_of_an_address_holds_no_secret():
    """User, password and query may be secrets; they stay out of messages and manifests."""
    source = parse_source("https://me:word@host/x.xml?token=1")

    assert source.label == "https://host/x.xml"


def test_a_file_whose_name_is_not_utf8_is_rejected(tmp_path):
    """A pattern finds it, and no manifest could name it."""
    (tmp_path / os.fsdecode(b"a\xff.xml.bz2")).touch()

    with pytest.raises(InputError, match=r"/a�\.xml\.bz2: the name is not UTF-8; rename the file"):
        resolve_local(parse_source(f"{tmp_path}/*.bz2"))
