"""Dumps by name, from a site that answers as Wikimedia's does."""

import bz2
import hashlib
import json

import pytest

from components.ingest.config import IngestConfig
from components.ingest.dump.names import DumpName, parse_dump_name
from components.ingest.dump.site import DumpSite, DumpStatus
from components.ingest.run import run
from components.shared.errors import InputError
from tests.components.ingest.misbehaving_server import Answer, Server
from tests.components.ingest.samples import make_export
from tests.mutations import NUM_MUTATIONS, fuzz

INDEX = "".join(f'<a href="{date}/">{date}/</a>\n' for date in ("20260901", "20261001", "latest"))


def make_status(date: str, content: bytes = b"x", status: str = "done", parts=(".xml",)) -> dict:
    """A dumpstatus.json, as of a wiki whose dump comes in these parts."""
    names = [f"testwiki-{date}-pages-articles-multistream{part}.bz2" for part in parts]
    index = f"testwiki-{date}-pages-articles-multistream-index.txt.bz2"
    digest = hashlib.sha1(content).hexdigest()
    files = {name: {"size": len(content), "sha1": digest} for name in [*names, index]}
    return {
        "version": "0.8",
        "jobs": {"articlesmultistreamdump": {"status": status, "files": files}},
    }


@pytest.fixture
def site(server: Server) -> DumpSite:
    """The server as a dump site that gives up at once."""
    server.serve("/testwiki/", Answer(INDEX.encode()))
    return DumpSite(server.serve("", Answer()), timeout_seconds=60, max_retries=0)


def serve_status(server: Server, date: str, status: dict) -> None:
    server.serve(f"/testwiki/{date}/dumpstatus.json", Answer(json.dumps(status).encode()))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("enwiki-latest", DumpName("enwiki", "latest", is_content=False)),
        ("zh_yuewiki-20261001", DumpName("zh_yuewiki", "20261001", is_content=False)),
        ("simplewiki-content-latest", DumpName("simplewiki", "latest", is_content=True)),
        ("enwiki-2026", None),
        ("enwiki-20261001-pages-articles.xml.bz2", None),
    ],
)
def test_a_name_tells_the_wiki_and_the_day(text, name):
    """And which of the two kinds of export."""
    assert parse_dump_name(text) == name


def test_all_parts_come_in_the_order_of_their_pages(server, site):
    """With size and SHA-1, without the index files."""
    parts = ("10.xml-p900p999", "2.xml-p50p899", "1.xml-p1p49")
    serve_status(server, "20261001", make_status("20261001", b"abc", parts=parts))

    files = site.find(DumpName("testwiki", "20261001", is_content=False))

    assert [file.name.partition("multistream")[2] for file in files] == [
        "1.xml-p1p49.bz2",
        "2.xml-p50p899.bz2",
        "10.xml-p900p999.bz2",
    ]
    assert files[0].num_bytes == 3
    assert files[0].algorithm_to_digest == {"sha1": hashlib.sha1(b"abc").hexdigest()}


def test_the_latest_is_the_newest_that_is_finished(server, site):
    """A newer one under way is passed over."""
    serve_status(server, "20260901", make_status("20260901"))
    serve_status(server, "20261001", make_status("20261001", status="in-progress"))

    files = site.find(DumpName("testwiki", "latest", is_content=False))

    assert [file.name for file in files] == ["testwiki-20260901-pages-articles-multistream.xml.bz2"]


def test_an_unfinished_dump_is_rejected_with_the_newest_finished_one(server, site):
    """So that a person can go on at once."""
    serve_status(server, "20260901", make_status("20260901"))
    serve_status(server, "20261001", make_status("20261001", status="waiting"))

    with pytest.raises(
        InputError,
        match="testwiki-20261001: this dump is not finished; the newest finished one is "
        "testwiki-20260901$",
    ):
        site.find(DumpName("testwiki", "20261001", is_content=False))


def test_a_day_without_a_dump_is_rejected_with_the_newest_finished_one(server, site):
    """Wikimedia keeps the last few only."""
    serve_status(server, "20261001", make_status("20261001"))

    with pytest.raises(InputError, match="is not there; the newest finished one is .*-20261001$"):
        site.find(DumpName("testwiki", "20200101", is_content=False))


def test_a_wiki_that_the_site_does_not_have_is_rejected(site):
    """With what a wiki's name looks like."""
    with pytest.raises(InputError, match="nowiki-latest: .* has no finished dump of nowiki"):
        site.find(DumpName("nowiki", "latest", is_content=False))


def test_a_site_that_fails_is_told_after_the_retries(server):
    """By the address that was asked."""
    base = server.serve("", Answer())
    server.serve("/testwiki/", Answer(status=503))
    site = DumpSite(base, timeout_seconds=60, max_retries=1)

    with pytest.raises(InputError, match=r"/testwiki/: .* answers 503; check dump_site"):
        site.find(DumpName("testwiki", "latest", is_content=False))
    assert len(server.requests) == 2


@pytest.mark.parametrize("path", ["/testwiki/", "/testwiki/20261001/dumpstatus.json"])
@pytest.mark.parametrize(
    ("answer", "timeout_seconds", "said"),
    [
        (Answer(b" " * (1 << 20), repeats_after_seconds=0), 60, "more than 67108864 bytes, "),
        (Answer(b" ", repeats_after_seconds=0.05), 0.1, r"in 10 times timeout_seconds \(0.1\); "),
    ],
)
def test_an_endless_answer_is_given_up(server, path, answer, timeout_seconds, said):
    """Of any size, or of single bytes that each come in time."""
    server.serve("/testwiki/", Answer(INDEX.encode()))
    url = server.serve(path, answer)
    root = server.serve("", Answer())
    site = DumpSite(root, timeout_seconds=timeout_seconds, max_retries=0)

    with pytest.raises(InputError, match=f"^{url}: .*{said}.*check dump_site"):
        site.find(DumpName("testwiki", "latest", is_content=False))


def test_a_listing_of_endless_days_is_given_up(server, site):
    """Each would cost a request."""
    days = "".join(f'<a href="{day}/">' for day in range(10_000_000, 10_001_000))
    server.serve("/testwiki/", Answer(days.encode()))

    with pytest.raises(InputError, match="has no finished dump of testwiki"):
        site.find(DumpName("testwiki", "latest", is_content=False))

    assert len(server.requests) == 101


def test_a_content_export_counts_once_success_is_there(server, site):
    """Its files are checked by SHA256SUMS."""
    folder = "/other/mediawiki_content_current/testwiki"
    server.serve(f"{folder}/", Answer(b'<a href="2026-09-01/">x</a> <a href="2026-10-01/">y</a>'))
    for day in ("2026-09-01", "2026-10-01"):
        lines = [f"{'b' * 64}  testwiki-{day}-p{first}p9.xml.bz2\n" for first in (50, 1)]
        path = f"{folder}/{day}/xml/bzip2"
        server.serve(f"{path}/SHA256SUMS", Answer("".join(lines).encode()))
    server.serve(f"{folder}/2026-09-01/xml/bzip2/_SUCCESS", Answer(b""))

    files = site.find(DumpName("testwiki", "latest", is_content=True))

    assert [file.name for file in files] == [
        "testwiki-2026-09-01-p1p9.xml.bz2",
        "testwiki-2026-09-01-p50p9.xml.bz2",
    ]
    assert files[0].algorithm_to_digest == {"sha256": "b" * 64}


def serve_dump(server: Server, *answers: Answer, parts=("",)) -> bytes:
    """A finished dump of 1 October whose files answer like this."""
    content = bz2.compress(make_export(50))
    status = make_status("20261001", content, parts=[f"{part}.xml" for part in parts])
    serve_status(server, "20261001", status)
    server.serve("/testwiki/", Answer(INDEX.encode()))
    for name in status["jobs"]["articlesmultistreamdump"]["files"]:
        server.serve(f"/testwiki/20261001/{name}", *(answers or [Answer(content, seconds=0.05)]))
    return content


@pytest.fixture
def settings(tmp_path, inputs, server):
    """Settings of a run on the dump named testwiki-latest."""
    return {
        "dump_files": tmp_path / "out" / "dump_files",
        "text_files": tmp_path / "out" / "text_files",
        "squad": tmp_path / "out" / "squad",
        "given_vocabulary": tmp_path / "out" / "given_vocabulary",
        "dump": "testwiki-latest",
        "dump_site": server.serve("", Answer()),
        "squad_train": str(inputs.squad),
    }


def test_a_dump_is_ingested_by_its_name(server, settings):
    """The manifest says which day `latest` was; at most three connections are open at once."""
    serve_dump(server, parts=[str(number) for number in range(1, 9)])

    metadata = run(IngestConfig(**settings))

    assert metadata["dump_files"]["date"] == "2026-10-01"
    assert metadata["dump_files"]["files"] == 8
    assert 1 < server.most_connections <= 3


def test_a_broken_dump_is_completed_and_a_wrong_byte_downloaded_again(server, settings):
    """Cut, served without ranges, and with a wrong byte: in the end it is right."""
    content = bz2.compress(make_export(50))
    wrong = bytes([*content[:-20], content[-20] ^ 1, *content[-19:]])
    serve_dump(
        server,
        Answer(content, cut_after=100),
        Answer(content, takes_ranges=False, cut_after=50),
        Answer(status=503),
        Answer(wrong, etag=""),
        Answer(content),
    )

    run(IngestConfig(**settings))

    (file,) = settings["dump_files"].glob("*.bz2")
    assert file.read_bytes() == content


def test_a_dump_that_stays_wrong_is_rejected(server, settings, tmp_path):
    """With both digests, and no output."""
    content = bz2.compress(make_export(50))
    serve_dump(server, Answer(bytes([*content[:-20], content[-20] ^ 1, *content[-19:]])))

    with pytest.raises(InputError, match="sha1 [0-9a-f]{40}, expected [0-9a-f]{40}"):
        run(IngestConfig(**settings))
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_a_damaged_dumpstatus_is_rejected_in_one_line():
    """2,000 times; whatever is accepted has the right types."""
    entry = {"size": 3, "url": "/x", "md5": "0" * 32, "sha1": "0" * 40}
    document = {
        "version": "0.8",
        "jobs": {"articlesdump": {"status": "done", "files": {"a-pages-articles.xml.bz2": entry}}},
    }

    messages = fuzz(json.dumps(document).encode(), DumpStatus.parse, DumpStatus)

    assert len(messages) > NUM_MUTATIONS / 3
    assert all(message.startswith("dumpstatus.json: ") for message in messages)
