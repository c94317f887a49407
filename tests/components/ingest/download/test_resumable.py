"""Downloads from a server that misbehaves."""

import email.utils
import fcntl
import os
import random
import socket
import time
from dataclasses import replace

import pytest

from components.ingest.config import SizeConfig
from components.ingest.download.resumable import Downloads
from components.ingest.download.sources import parse_source
from components.ingest.download.transfer import Version
from components.shared.errors import InputError
from tests.components.ingest.misbehaving_server import Answer
from tests.mutations import fuzz

CONTENT = random.Random(1).randbytes(300_000)
CHANGED = random.Random(2).randbytes(200_000)


@pytest.fixture
def downloads(tmp_path):
    """Downloads that wait for next to nothing before they try again."""
    return Downloads(
        folder=tmp_path / "downloads", timeout_seconds=60, max_retries=2, first_wait_seconds=0.01
    )


def fetch(downloads, url, accept=lambda path, stored: None):
    """The bytes of a download."""
    path, _ = downloads.fetch(parse_source(url), accept)
    return path.read_bytes()


def files_of(downloads):
    """The names of all files in the folder of downloads."""
    return sorted(path.name for path in downloads.folder.rglob("*") if path.is_file())


def test_a_file_is_downloaded_whole(server, downloads):
    """Under the name that its address has."""
    url = server.serve("/a/x.bin", Answer(CONTENT))

    assert fetch(downloads, url) == CONTENT
    assert files_of(downloads) == ["x.bin", "x.bin.part.json"]


def test_a_cut_connection_is_resumed_where_it_broke(server, downloads):
    """Only the missing bytes are asked for, and only of the same version."""
    url = server.serve("/x", Answer(CONTENT, cut_after=200_000), Answer(CONTENT))

    assert fetch(downloads, url) == CONTENT
    first = int(server.requests[1]["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 100_000 < first <= 200_000
    assert server.requests[1]["If-Range"] == Answer(CONTENT).with_etag().etag


def test_many_cuts_that_each_gain_something_do_not_exhaust_the_retries(server, downloads):
    """Five cuts with max_retries 2."""
    url = server.serve("/x", *[Answer(CONTENT, cut_after=70_000)] * 5, Answer(CONTENT))

    assert fetch(downloads, url) == CONTENT


def test_a_server_without_ranges_is_started_over(server, downloads):
    """It answers 200 with the whole file, which must not be appended."""
    url = server.serve(
        "/x", Answer(CONTENT, cut_after=200_000), Answer(CONTENT, takes_ranges=False)
    )

    assert fetch(downloads, url) == CONTENT


def test_a_server_without_validators_is_started_over(server, downloads):
    """Nothing would tell whether the rest belongs to the same version."""
    url = server.serve("/x", Answer(CONTENT, cut_after=200_000, etag=""), Answer(CONTENT, etag=""))

    assert fetch(downloads, url) == CONTENT
    assert "Range" not in server.requests[1]


def test_a_weak_etag_is_no_ground_to_resume(server, downloads):
    """It promises equal meaning, not equal bytes."""
    weak = Answer(CONTENT, etag='W/"1"')
    url = server.serve("/x", replace(weak, cut_after=200_000), weak)

    assert fetch(downloads, url) == CONTENT
    assert "Range" not in server.requests[1]


def test_a_date_of_change_serves_where_there_is_no_etag(server, downloads):
    """If-Range takes either."""
    date = "Thu, 01 Jan 2026 00:00:00 GMT"
    dated = Answer(CONTENT, etag="", headers={"Last-Modified": date}, takes_if_range=False)
    url = server.serve("/x", replace(dated, cut_after=200_000), dated)

    assert fetch(downloads, url) == CONTENT
    assert server.requests[1]["If-Range"] == date


@pytest.mark.parametrize("takes_if_range", [True, False])
def test_a_file_that_changed_between_attempts_is_started_over(server, downloads, takes_if_range):
    """Even where the server ignores If-Range and sends a part of the new version."""
    url = server.serve(
        "/x",
        Answer(CONTENT, cut_after=150_000),
        Answer(CHANGED, takes_if_range=takes_if_range),
    )

    assert fetch(downloads, url) == CHANGED


@pytest.mark.parametrize("told_by", ["etag", "date", "length"])
def test_a_part_of_another_version_is_never_appended(server, downloads, told_by):
    """Any of three marks tells it apart, from a server that ignores If-Range."""
    old, new = "Thu, 01 Jan 2026 00:00:00 GMT", "Fri, 02 Jan 2026 00:00:00 GMT"
    etag = None if told_by == "etag" else ""
    changed = CONTENT[::-1] if told_by != "length" else CONTENT[::-1] + b"more"
    url = server.serve(
        "/x",
        Answer(CONTENT, cut_after=150_000, etag=etag, headers={"Last-Modified": old}),
        Answer(
            changed,
            etag=etag,
            takes_if_range=False,
            headers={"Last-Modified": new if told_by == "date" else old},
        ),
    )

    assert fetch(downloads, url) == changed


def test_a_file_that_shrank_below_the_part_is_started_over(server, downloads):
    """The server answers 416: there is nothing from there on."""
    url = server.serve(
        "/x", Answer(CONTENT, cut_after=250_000), Answer(CHANGED, takes_if_range=False)
    )

    assert fetch(downloads, url) == CHANGED


def test_a_server_may_send_less_than_the_rest(server, downloads):
    """What it sent is kept, and the next piece asked for."""
    url = server.serve(
        "/x", Answer(CONTENT, cut_after=100_000), Answer(CONTENT, most_bytes_a_range=60_000)
    )

    assert fetch(downloads, url) == CONTENT
    assert len(server.requests) > 4


def test_a_later_run_resumes_where_an_earlier_one_gave_up(server, downloads):
    """The part and its version are kept on disk."""
    url = server.serve("/x", Answer(CONTENT, cut_after=200_000), Answer(status=500))
    with pytest.raises(InputError, match="the server answers 500, gave up at attempt 3"):
        fetch(downloads, url)
    server.serve("/x", Answer(CONTENT))

    assert files_of(downloads) == ["x.part", "x.part.json"]
    assert fetch(downloads, url) == CONTENT
    assert server.requests[-1]["Range"]


def test_a_kept_file_is_not_downloaded_again(server, downloads):
    """The server is only asked whether it is current."""
    url = server.serve("/x", Answer(CONTENT))
    fetch(downloads, url)
    server.serve("/x", Answer(CONTENT, cut_after=0))

    assert fetch(downloads, url) == CONTENT
    assert server.requests[-1]["If-None-Match"]


def test_a_server_that_ignores_conditions_is_not_read_again(server, downloads):
    """Its answer begins with the version that is here: the kept bytes, marked here, stay."""
    url = server.serve("/x", Answer(CONTENT))
    path, _ = downloads.fetch(parse_source(url), lambda path, stored: None)
    marked = CONTENT[:-1] + b"\x00"
    path.write_bytes(marked)
    server.serve("/x", Answer(CONTENT, takes_if_none_match=False))

    assert fetch(downloads, url) == marked


def test_a_kept_file_that_changed_is_downloaded_anew(server, downloads, tmp_path):
    """What was linked to the old version keeps its bytes."""
    url = server.serve("/x", Answer(CONTENT))
    path, _ = downloads.fetch(parse_source(url), lambda path, stored: None)
    os.link(path, tmp_path / "output")
    server.serve("/x", Answer(CHANGED))

    assert fetch(downloads, url) == CHANGED
    assert (tmp_path / "output").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_after_the_time_it_names(server, downloads):
    """In seconds or as a date."""
    date = email.utils.formatdate(time.time() + 2, usegmt=True)
    url = server.serve(
        "/x",
        Answer(status=503, headers={"Retry-After": "1"}),
        Answer(status=429, headers={"Retry-After": date}),
        Answer(CONTENT),
    )
    started = time.monotonic()

    assert fetch(downloads, url) == CONTENT
    assert time.monotonic() - started >= 1


def test_less_than_the_announced_length_is_never_taken_for_whole(server, downloads):
    """The message holds both numbers."""
    url = server.serve("/x", Answer(CONTENT, content_length=400_000, takes_ranges=False))

    with pytest.raises(InputError, match="gave up at attempt 3"):
        fetch(downloads, url)
    assert "x" not in files_of(downloads)


@pytest.mark.parametrize(("status", "said"), [(404, "no such file on the server"), (403, "read")])
def test_a_refusal_is_final(server, downloads, status, said):
    """One request, no retries."""
    url = server.serve("/x", Answer(status=status))

    with pytest.raises(InputError, match=f"{url}: the server answers {status}: .*{said}"):
        fetch(downloads, url)
    assert len(server.requests) == 1


def test_an_unreachable_server_is_told_as_such(downloads):
    """With the system's own reason."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"

        with pytest.raises(InputError, match=f"{url}: the server can't be reached .*refused"):
            fetch(downloads, url)


def test_a_silent_server_counts_as_cut(downloads):
    """After timeout_seconds."""
    quick = Downloads(folder=downloads.folder, timeout_seconds=0.1, max_retries=0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"

        with pytest.raises(InputError, match=f"{url}: .*timed out"):
            fetch(quick, url)


def test_a_file_that_is_not_accepted_is_removed(server, downloads):
    """The next run must not find it; the message names the address, not the scratch file."""
    url = server.serve("/x", Answer(CONTENT))

    def refuse(path, stored):
        raise InputError(f"{path}: it won't do")

    with pytest.raises(InputError, match=f"^{url}: it won't do"):
        fetch(downloads, url, refuse)
    assert files_of(downloads) == []


def test_the_name_appears_only_after_the_check(server, downloads):
    """While it is checked, it is still a part."""
    url = server.serve("/x", Answer(CONTENT))
    seen = []

    fetch(downloads, url, lambda path, stored: seen.extend(files_of(downloads)))

    assert seen == ["x.part", "x.part.json"]


def test_files_of_one_name_do_not_mix(server, downloads):
    """Each address has a folder of its own."""
    first = server.serve("/a/x", Answer(CONTENT))
    second = server.serve("/b/x", Answer(CHANGED))

    assert fetch(downloads, first) == CONTENT
    assert fetch(downloads, second) == CHANGED
    assert fetch(downloads, first) == CONTENT


def test_two_runs_do_not_write_one_part(server, downloads):
    """The second is refused while the first holds the folder."""
    url = server.serve("/x", Answer(CONTENT))
    path, _ = downloads.fetch(parse_source(url), lambda path, stored: None)
    descriptor = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    with pytest.raises(InputError, match="another run is downloading here"):
        fetch(downloads, url)
    os.close(descriptor)


def test_a_file_larger_than_the_disk_is_rejected_before_it_comes(server, downloads):
    """One exabyte."""
    url = server.serve("/x", Answer(CONTENT, content_length=10**18))

    with pytest.raises(InputError, match=r"1000000000000000000 bytes, but only .* are free"):
        fetch(downloads, url)


def test_an_endless_file_is_given_up(server, downloads):
    """Announced or not: the bytes that came are removed."""
    endless = server.serve("/a", Answer(CONTENT, repeats_after_seconds=0))
    announced = server.serve("/b", Answer(CONTENT))

    limits = SizeConfig(max_file_gb=0.0002)
    message = "more than 200000 bytes, the limit that max_file_gb 0.0002 sets"
    for url in (endless, announced):
        with pytest.raises(InputError, match=f"^{url}: {message}"):
            fetch(replace(downloads, limits=limits), url)

    assert not files_of(downloads)


def test_single_bytes_that_each_come_in_time_are_no_progress(server, downloads):
    """A server may send them for ever."""
    url = server.serve("/x", Answer(b"x", repeats_after_seconds=0.02))

    with pytest.raises(
        InputError, match=r"only \d+ bytes came in timeout_seconds \(0.3\), gave up at attempt 3 "
    ):
        fetch(replace(downloads, timeout_seconds=0.3), url)


def test_a_damaged_note_is_as_good_as_none(tmp_path):
    """The download starts over; never with a wrong version of the file."""
    note = tmp_path / "note.json"
    version = Version("https://host/x", 7, '"e"', "Sun, 29 Nov 2026 10:00:00 GMT")
    version.write(note)
    content = note.read_bytes()

    def read(damaged):
        note.write_bytes(damaged)
        return Version.read(note)

    assert read(content) == version
    assert not fuzz(content, read, Version | None)
    assert read(b"[" * 100_000) is None
