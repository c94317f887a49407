import bz2
import gzip
import json

import pytest

from components.preprocess.dump.files import open_dump
from components.shared.errors import InputError

HEAD = (
    '<mediawiki version="0.11" xml:lang="de"><siteinfo><namespaces>'
    '<namespace key="6" case="first-letter">Datei</namespace>'
    '<namespace key="14" case="first-letter">Kategorie</namespace>'
    "</namespaces></siteinfo>"
)


def test_compression_is_told_by_the_bytes_not_the_name(dump_folder):
    """A file that somebody renamed is read all the same."""
    (dump_folder / "a.xml").write_bytes(bz2.compress(HEAD.encode()))
    (dump_folder / "b.xml-p1p41242").write_text(HEAD)
    (dump_folder / "c.bz2").write_bytes(gzip.compress(HEAD.encode()))

    dump = open_dump(str(dump_folder))

    assert [file.compression for file in dump.files] == ["bz2", "plain", "gzip"]


def test_namespaces_are_those_of_the_wiki_and_the_english_ones(dump_folder):
    """Files and categories have other names in other languages, and old ones besides."""
    (dump_folder / "a.xml").write_text(HEAD)

    site = open_dump(str(dump_folder)).files[0].site

    assert site.file_names == {"file", "image", "datei", "bild"}
    assert site.category_names == {"category", "kategorie"}
    assert site.language == "de"


def test_language_is_english_where_the_dump_tells_none(dump_folder):
    """Exports of other tools may lack it."""
    (dump_folder / "a.xml").write_text(HEAD.replace(' xml:lang="de"', ""))

    assert open_dump(str(dump_folder)).files[0].site.language == "en"


def test_manifest_is_read_and_is_no_dump(dump_folder):
    """What ingest wrote of the dump's origin goes along."""
    (dump_folder / "a.xml").write_text(HEAD)
    (dump_folder / "dump.json").write_text(json.dumps({"date": "2026-10-01"}))

    dump = open_dump(str(dump_folder))

    assert dump.manifest == {"date": "2026-10-01"}
    assert len(dump.files) == 1


def test_parts_cover_each_file_once(dump_folder):
    """Ranges of a file touch and don't overlap; a file of one stream has one."""
    (dump_folder / "a.xml").write_text(HEAD + " " * 1000)
    (dump_folder / "b.gz").write_bytes(gzip.compress(HEAD.encode()))
    (dump_folder / "c.bz2").write_bytes(bz2.compress(HEAD.encode()))
    (dump_folder / "d.bz2").write_bytes(2 * bz2.compress(HEAD.encode()))

    parts = open_dump(str(dump_folder)).cut(500)

    size = {path.name: path.stat().st_size for path in dump_folder.iterdir()}
    ranges = [(part.start, part.end, part.is_whole_file) for part in parts]
    assert ranges == [
        (0, 500, False),
        (500, 1000, False),
        (1000, size["a.xml"], False),
        (0, size["b.gz"], True),
        (0, size["c.bz2"], True),
        (0, size["d.bz2"], False),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"<html>Not found</html>", "not a MediaWiki XML export.*begins '<html>Not found"),
        (bz2.compress(b"hello"), "not a MediaWiki XML export"),
        (bz2.compress(HEAD.encode())[:40], "cut short"),
        (b"BZh9" + b"x" * 100, "damaged bz2 data"),
        (gzip.compress(HEAD.encode())[:40], "cut short"),
        (HEAD.encode("utf-16"), "the export is in UTF-16.*iconv -f UTF-16"),
        (HEAD.encode("utf-32-be"), "the export is in UTF-32BE"),
        (bz2.compress(HEAD.encode("utf-16")), "the export is in UTF-16"),
        (b'<?xml version="1.0" encoding="windows-1251"?>' + HEAD.encode(), "in windows-1251"),
        (b"a.xml".ljust(257, b"\0") + b"ustar\x0000" + HEAD.encode(), "a tar archive; unpack"),
    ],
)
def test_file_that_is_no_export_is_rejected(dump_folder, content, message):
    """What is wrong with a file is said with its name."""
    (dump_folder / "a.xml").write_bytes(content)

    with pytest.raises(InputError, match=message) as error:
        open_dump(str(dump_folder))

    assert str(dump_folder / "a.xml") in str(error.value)


def test_folder_without_a_file_is_rejected(dump_folder):
    """An empty folder is a mistake, not an empty corpus."""
    with pytest.raises(InputError, match="no file in it"):
        open_dump(str(dump_folder))


def test_missing_folder_is_rejected(tmp_path):
    """A path that is wrong is named."""
    with pytest.raises(InputError, match="no such folder"):
        open_dump(str(tmp_path / "missing"))
