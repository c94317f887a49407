"""A released version is registered in Kubeflow's Model Registry, which can't spoil the release."""

from dataclasses import replace

import pytest

from components.release import model_registry
from components.release.run import run
from components.shared.checkpoints.checkpoint_manifest import fingerprint
from components.shared.errors import InputError
from components.shared.files.atomic import sha256
from components.shared.model_store.store import ModelStore, open_store
from tests.components.release.fake_registry import serve_registry
from tests.components.release.test_run import make_config


@pytest.fixture
def registry(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "token").write_text("abc.def\n", encoding="utf-8")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    with serve_registry() as server:
        yield server


def show(config) -> str:
    """Release, and return what the report says once it is known to say what the run does."""
    decision = run(config)["release_report"]["decision"]
    assert decision.startswith("released as ")
    return decision


@pytest.mark.parametrize("api", ["v1", "v1alpha3"])
def test_a_released_version_is_registered(tmp_path, registry, api):
    """Under the store's name, with its place, scores, data and code; the report says so."""
    registry.version = api
    config = make_config(tmp_path / "one", 0.8, model_registry=registry.url)

    decision = show(config)

    version = open_store(config.model_store).find_current()
    (model,), (made,), (artifact,) = registry.resources.values()
    assert (model["name"], model["description"]) == ("store", "BERT for question answering")
    assert (made["name"], made["parent"]) == (version, model["id"])
    assert artifact["uri"] == f"{(tmp_path / 'store').as_uri()}/versions/{version}/model"
    assert (artifact["name"], artifact["parent"]) == ("store", made["id"])
    values = {name: next(v for k, v in value.items() if k != "metadataType")
              for name, value in made["customProperties"].items()}  # fmt: skip
    assert values.pop("released").endswith("Z")
    assert values == {
        "task": "question answering",
        "code": "kubeflow-bert 0.1.0",
        "checkpoint_sha256": fingerprint(config.checkpoint),
        "train.json_sha256": sha256(config.squad / "train.json"),
        "dev.json_sha256": sha256(config.squad / "dev.json"),
        "f1": 80.0,
        "exact": 80.0,
    }
    assert registry.tokens == {"Bearer abc.def"}
    assert decision.endswith(f"; registered as store, version {version}")
    report = config.release_report.read_text("utf-8")
    assert f"registered as store, version {version}" in report
    assert "abc.def" not in decision + report


def test_each_version_is_one_of_the_same_model(tmp_path, registry):
    """Under the name that was asked for; one that is held back is none."""
    for number, share_right in enumerate((0.8, 0.5, 0.9)):
        run(make_config(tmp_path / str(number), share_right, model_registry=f"{registry.url}/",
                        registered_model="qa"))  # fmt: skip

    assert [one["name"] for one in registry.resources["registered_model"]] == ["qa"]
    assert len(registry.resources["model_version"]) == 2


def test_a_repeated_step_changes_nothing(tmp_path, registry):
    """The version is there already."""
    config = make_config(tmp_path / "one", 0.8, model_registry=registry.url)

    first = show(config)
    posts = list(registry.posts)
    again = show(config)

    assert len(posts) == 3
    assert registry.posts == posts
    assert first.rpartition("; ")[2] == again.rpartition("; ")[2]


def test_another_client_may_come_first(tmp_path, registry):
    """A conflict means that it is there."""
    registry.comes_first = True

    decision = show(make_config(tmp_path / "one", 0.8, model_registry=registry.url))

    assert "registered as store" in decision
    assert [len(one) for one in registry.resources.values()] == [1, 1, 1]


@pytest.mark.parametrize("part", ["registered_model", "model_versions", "artifacts"])
def test_a_registry_that_fails_costs_a_warning(tmp_path, registry, part):
    """At each request; the step run again adds what is missing."""
    registry.failing = (part, 500)
    config = make_config(tmp_path / "one", 0.8, model_registry=registry.url)

    decision = show(config)
    registry.failing = None
    again = show(config)

    version = open_store(config.model_store).find_current()
    assert decision.endswith(
        f"{version} is released, and not registered: {registry.url}: it answers 500 "
        "(no database connection); run this step again to register it"
    )
    assert again.endswith(f"registered as store, version {version}")
    assert [len(one) for one in registry.resources.values()] == [1, 1, 1]


def test_a_registry_that_is_down_costs_a_warning(tmp_path, registry):
    """With the reason, in the report too."""
    config = make_config(tmp_path / "one", 0.8, model_registry="http://127.0.0.1:1")

    decision = show(config)

    expected = "not registered: http://127.0.0.1:1: [Errno 111] Connection refused; run this step"
    assert expected in decision
    assert expected in config.release_report.read_text("utf-8")
    assert "<strong>Warning:</strong>" in config.release_report.read_text("utf-8")


def test_a_registry_that_is_silent_costs_a_warning(tmp_path, registry, monkeypatch):
    """After a time."""
    monkeypatch.setattr(model_registry, "_MOST_SECONDS", 0.1)
    registry.seconds = 1.0

    decision = show(make_config(tmp_path / "one", 0.8, model_registry=registry.url))

    assert "it took more than 0 s" in decision


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (302, {}, "it answers 302"),
        (404, {}, "it answers 404"),
        (200, {"name": "qa"}, "answer to registered_model: id: missing"),
    ],
)
def test_a_server_that_is_no_registry_costs_a_warning(tmp_path, registry, status, body, reason):
    """A page to sign in, say: the token does not follow."""
    registry.failing, registry.body = ("registered_model", status), body

    assert reason in show(make_config(tmp_path / "one", 0.8, model_registry=registry.url))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "token: no such file or directory"), ("a b", "token: expected one word of ASCII")],
)
def test_a_broken_token_is_not_shown(tmp_path, registry, content, reason):
    """Only its file."""
    (tmp_path / "token").unlink()
    if content:
        (tmp_path / "token").write_text(content, encoding="utf-8")

    decision = show(make_config(tmp_path / "one", 0.8, model_registry=registry.url))

    assert reason in decision
    assert not registry.tokens


def test_it_is_registered_after_the_switch(tmp_path, registry, monkeypatch):
    """What is registered is in use."""
    switch, seen = ModelStore.switch, []

    def look(self, version, *, expected):
        seen.append(len(registry.posts))
        switch(self, version, expected=expected)

    monkeypatch.setattr(ModelStore, "switch", look)
    show(make_config(tmp_path / "one", 0.8, model_registry=registry.url))

    assert seen == [0]
    assert len(registry.posts) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_registry": "registry:8080"}, "must be an http.* address .* got 'registry:8080'"),
        ({"model_registry": "http://me:secret@host"}, r"without a user.* got 'http://\*\*\*@host'"),
        ({"model_registry": "http://host", "model_store": ""}, "model_registry needs model_store"),
    ],
)
def test_an_address_that_makes_no_sense_is_rejected(tmp_path, settings, message):
    """Before the first step."""
    config = make_config(tmp_path / "one", 0.8)

    with pytest.raises(InputError, match=message):
        replace(config, **settings)
