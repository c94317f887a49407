"""A store of models on a disk or in a bucket: versions are whole, and one of them is in use."""

import hashlib
import json
import multiprocessing
import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.shared.errors import DamagedError, InputError
from components.shared.model_store import layout
from components.shared.model_store import store as store_module
from components.shared.model_store.layout import NotedDecision
from components.shared.model_store.store import ModelStore, SwitchedError, open_store
from tests.components.faulty_proxy import Fault

# What the places have no part in is tested on one of them.
on_a_disk = pytest.mark.parametrize("address", ["disk"], indirect=True)


@pytest.fixture(params=["disk", "gs", "s3"])
def address(request, tmp_path) -> str:
    if request.param == "disk":
        return str(tmp_path / "store")
    request.getfixturevalue("stores")
    return f"{request.param}://data/models/qa"


@pytest.fixture
def store(address) -> ModelStore:
    return open_store(address)


def make_content(folder: Path, text: str) -> Path:
    """Write what a version holds beside its model.json."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "vocab.txt").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(f"# {text}\n", encoding="utf-8")
    return folder


@pytest.fixture
def publish(store, tmp_path):
    """Publish a version that holds a text."""

    def publish_text(text: str) -> str:
        return store.publish(
            make_content(tmp_path / f"content-{text}", text), {"scores": {"f1": 80}}
        )

    return publish_text


def test_a_version_is_published_used_and_fetched(store, publish, tmp_path):
    """With its files, and a model.json that names their checksums."""
    version = publish("one")
    before = store.find_current()
    store.switch(version, expected=None)

    folder = store.fetch(version, tmp_path / "fetched")

    assert (before, store.find_current(), store.list_versions()) == (None, version, [version])
    assert folder == tmp_path / "fetched"
    assert (folder / "model" / "vocab.txt").read_text("utf-8") == "one"
    described = json.loads((folder / "model.json").read_text("utf-8"))
    assert described == store.describe(version)
    assert (described["format_version"], described["version"]) == (1, version)
    assert described["scores"] == {"f1": 80}
    assert sorted(described["files"]) == ["README.md", "model/vocab.txt"]


def test_the_lineage_of_a_version_outlives_it(store, tmp_path):
    """Found by its checksum, as those name it that were trained from the version."""
    versions = []
    for text in ("one", "two"):
        content = make_content(tmp_path / f"content-{text}", text)
        (content / "model" / "lineage.json").write_text(f"of {text}", encoding="utf-8")
        versions.append(store.publish(content, {"scores": {}}))
        store.switch(versions[-1], expected=store.find_current())
    one, two = (hashlib.sha256(f"of {text}".encode()).hexdigest() for text in ("one", "two"))
    before = store.find_lineage(one)

    store.prune(1)

    assert store.list_versions() == versions[1:]
    assert (before, store.find_lineage(one)) == ("of one", "of one")
    assert store.find_lineage(two) == "of two"
    assert store.find_lineage("0" * 64) is None


@on_a_disk
def test_an_empty_store_holds_nothing(store):
    """Not even a folder is made."""
    assert (store.find_current(), store.list_versions(), store.prune(1)) == (None, [], [])


@on_a_disk
def test_names_sort_by_time(store, publish):
    """They begin with it."""
    before = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    version = publish("one")

    assert layout.is_version(version)
    assert before <= version


def test_who_knows_an_older_version_does_not_switch(store, publish):
    """Nor who knows of none, where there is one."""
    one, two, three = map(publish, ("one", "two", "three"))
    store.switch(one, expected=None)
    store.switch(two, expected=one)

    for expected in (one, None):
        with pytest.raises(SwitchedError, match=f"{two} is in use now.*release again"):
            store.switch(three, expected=expected)

    assert store.find_current() == two
    assert store.list_previous() == (one,)


def test_a_write_between_reading_and_switching_is_seen(store, publish, monkeypatch):
    """The comparison is the place's, at the moment of writing."""
    one, two = map(publish, ("one", "two"))
    replace = store._place.current.replace

    def write_later(text, *, tag):
        monkeypatch.undo()
        store.switch(two, expected=None)
        return replace(text, tag=tag)

    monkeypatch.setattr(store._place.current, "replace", write_later)
    with pytest.raises(SwitchedError, match=f"{two} is in use now, where no version was"):
        store.switch(one, expected=None)

    assert store.find_current() == two


def test_of_many_at_once_one_switches(address, store, publish):
    """All know the same version; a second round goes from the first's."""
    versions = [publish(str(number)) for number in range(4)]
    current = None
    for _ in range(2):
        outcomes: list[str | None] = []

        def switch(version, expected, outcomes=outcomes):
            try:
                open_store(address).switch(version, expected=expected)
                outcomes.append(version)
            except SwitchedError:
                outcomes.append(None)

        others = [version for version in versions if version != current]
        threads = [threading.Thread(target=switch, args=(one, current)) for one in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(outcomes) == len(others)
        assert [one for one in outcomes if one] == [store.find_current()]
        current = store.find_current()


@on_a_disk
def test_only_what_is_whole_can_be_used(store, publish):
    """A name without a version is refused, and one that is no name."""
    version = publish("one")
    store.switch(version, expected=None)

    for name in ("20200101T000000Z-00000000", "../../etc"):
        with pytest.raises(InputError, match="models list"):
            store.switch(name, expected=version)
    assert store.find_current() == version


@on_a_disk
def test_what_is_in_use_is_not_removed(store, publish):
    """Another version is, with all its files."""
    one, two = map(publish, ("one", "two"))
    store.switch(one, expected=None)

    with pytest.raises(InputError, match="is in use; roll back"):
        store.remove(one)
    store.remove(two)

    assert store.list_versions() == [one]
    assert store._place.list_broken() == []


def test_old_versions_go(store, publish):
    """The newest of those that were in use stay, and one that somebody is about to use."""
    names = [publish(str(number)) for number in range(4)]
    for name, before in zip(names, [None, *names], strict=False):
        store.switch(name, expected=before)
    waiting = publish("waiting")

    removed = store.prune(2)

    assert removed == sorted(names[:2])
    assert store.list_versions() == sorted([*names[2:], waiting])
    assert store.list_previous()[0] == names[2]


@on_a_disk
def test_the_current_version_stays_after_a_rollback(store, publish):
    """However old it is."""
    one, two = map(publish, ("one", "two"))
    store.switch(one, expected=None)
    store.switch(two, expected=one)
    store.switch(one, expected=two)

    assert store.prune(1) == [two]
    assert (store.find_current(), store.list_versions()) == (one, [one])


def test_altered_files_are_found(address, store, publish, tmp_path):
    """What was fetched before stays."""
    version = publish("one")
    folder = store.fetch(version, tmp_path / "fetched")
    place = f"versions/{version}/README.md"
    if Path(address).exists():
        Path(address, place).write_text("# altered\n", encoding="utf-8")
    else:
        store._place._bucket._store.put(
            make_content(tmp_path / "other", "altered") / "README.md",
            f"models/qa/{place}",
            sha256="",
            advance=lambda _: None,
        )

    with pytest.raises(DamagedError, match=f"{version}/README.md: altered"):
        store.fetch(version, folder)

    assert (folder / "README.md").read_text("utf-8") == "# one\n"


def test_decisions_are_kept_in_order_and_bounded(store, monkeypatch):
    """The oldest go; a time of another zone is the same moment."""
    monkeypatch.setattr(store_module, "_DECISIONS_KEPT", 3)
    times = ["2026-11-02T01:00:00+02:00", "2026-11-01T23:30:00+00:00"]
    times += [f"2026-1{month}-20T00:00:00+00:00" for month in range(3)]
    for number, time in enumerate(times):
        store.note(NotedDecision(decided=time, fingerprint=f"{number:064}", scores={"f1": 1.5}))

    assert [one.decided for one in store.list_decisions()] == [times[1], *times[3:]]
    assert store.list_decisions()[0].scores == {"f1": 1.5}
    assert store.list_versions() == []


@on_a_disk
def test_a_pointer_that_is_none_is_told(store, publish):
    """With the file's place, and what it should hold."""
    publish("one")
    for text in ("", "{}", '{"format": 2, "version": "20200101T000000Z-00000000"}'):
        found = store._place.current.read()
        store._place.current.replace(text, tag=found and found[1])

        with pytest.raises(InputError, match=r"current\.json: .*NAME"):
            store.find_current()


def test_other_addresses_are_rejected():
    """They would be taken as a path."""
    with pytest.raises(InputError, match="model_store must be a path"):
        open_store("https://example.org/models")


def _publish_and_die(address: str, content: str, kill_at: str) -> None:
    """Publish and switch, and die before the uploads' last file or before the switch."""
    store = open_store(address)

    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    if kill_at == "switch":
        store._place.current.replace = die
    elif address.startswith("/"):
        os.replace = die
    else:
        upload = store._place._bucket._upload
        store._place._bucket._upload = lambda file, name, advance: (
            die() if name.endswith("model.json") else upload(file, name, advance)
        )
    current = store.find_current()
    store.switch(store.publish(Path(content), {}), expected=current)


@pytest.mark.parametrize("kill_at", ["upload", "switch"])
def test_a_kill_changes_nothing_for_users(address, store, publish, tmp_path, kill_at, monkeypatch):
    """The next release succeeds, and what was left goes after a day."""
    one = publish("one")
    store.switch(one, expected=None)
    content = make_content(tmp_path / "killed", "killed")
    killed = multiprocessing.get_context("spawn").Process(
        target=_publish_and_die, args=(address, str(content), kill_at)
    )
    killed.start()
    killed.join()

    assert killed.exitcode == -signal.SIGKILL
    assert store.find_current() == one
    left = sorted({*store.list_versions(), *store._place.list_broken()} - {one})
    assert (len(left), left == store._place.list_broken()) == (1, kill_at == "upload")
    two = publish("two")
    store.switch(two, expected=one)
    assert (store.find_current(), store.prune(2)) == (two, [])
    monkeypatch.setattr(layout, "datetime", _Tomorrow)
    assert store.prune(2) == left
    assert store.list_versions() == sorted([one, two])


class _Tomorrow(datetime):
    @classmethod
    def now(cls, tz=None):
        now = datetime.now(tz)
        return now.replace(year=now.year + 1)


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_a_store_that_fails_now_and_then_is_asked_again(scheme, stores, tmp_path, monkeypatch):
    """One request in twenty fails, before or after it was carried out."""
    _hasten_retries(monkeypatch)
    stores.failure_rate = 0.05
    store = open_store(f"{scheme}://data/models")
    current = None

    for number in range(5):
        version = store.publish(make_content(tmp_path / str(number), str(number)), {})
        store.switch(version, expected=current)
        store.prune(2)
        current = version

    folder = store.fetch(current, tmp_path / "fetched")
    assert (folder / "README.md").read_text("utf-8") == "# 4\n"
    assert (store.find_current(), len(store.list_versions())) == (current, 2)
    assert stores.num_failed


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_a_switch_whose_answer_is_lost_has_happened(scheme, stores, tmp_path, monkeypatch):
    """Repeated, it meets its own."""
    _hasten_retries(monkeypatch)
    store = open_store(f"{scheme}://data/models")
    version = store.publish(make_content(tmp_path / "one", "one"), {})
    place = "ifGenerationMatch" if scheme == "gs" else "current.json"
    stores.coming.append(Fault("POST" if scheme == "gs" else "PUT", place, loses_answer=True))

    store.switch(version, expected=None)

    assert store.find_current() == version
    assert not stores.coming[0].times


def _hasten_retries(monkeypatch):
    """Wait a hundredth of the libraries' delays."""
    import time

    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(seconds / 100))
