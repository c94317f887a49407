"""The build backend of Horovod; every environment that holds it shows that it compiles."""

import tomllib
from types import ModuleType

import pytest

from pipelines.local.environments import REPOSITORY

FOLDER = REPOSITORY / "images" / "tensorflow" / "horovod"
LOCKS = ("pretrain", "finetune", "evaluate", "tensorflow/cpu", "tensorflow/gpu")


@pytest.fixture(name="backend")
def import_backend(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    import build_horovod

    return build_horovod


@pytest.mark.parametrize("image", LOCKS)
def test_horovod_is_built_against_the_locked_tensorflow(backend, monkeypatch, image):
    """A library compiled against another version does not load."""
    if image == "tensorflow/gpu":
        monkeypatch.setenv("HOROVOD_GPU_OPERATIONS", "NCCL")
    lock = tomllib.loads((REPOSITORY / "images" / image / "uv.lock").read_text("utf-8"))
    versions = {package["name"]: package["version"] for package in lock["package"]}

    (requirement,) = (
        one for one in backend.get_requires_for_build_wheel() if one.startswith("tensorflow")
    )
    name, _, version = requirement.partition("==")

    assert versions[name.removesuffix("[and-cuda]")] == version


def test_all_build_dependencies_are_pinned(backend):
    """A new release of a tool must not break the build of an old checkout."""
    requirements = backend.get_requires_for_build_wheel()

    assert all("==" in requirement for requirement in requirements)


def test_a_change_edits_the_file_once(backend, tmp_path):
    """The pattern's groups may stand in the replacement."""
    (tmp_path / "span.h").write_text("a;\nspan &operator=(x) { y; }\n")

    backend._apply(backend.Change("span.h", r"(operator=\(x\)) \{.*\}", r"\1 = default;"), tmp_path)

    assert (tmp_path / "span.h").read_text() == "a;\nspan &operator=(x) = default;\n"


@pytest.mark.parametrize("text", ["", "include\ninclude\n"])
def test_a_change_that_does_not_fit_stops_the_build(backend, tmp_path, text):
    """Other sources than expected: compiling them would prove nothing."""
    (tmp_path / "common.h").write_text(text)

    with pytest.raises(SystemExit, match=r"common\.h.*expected once"):
        backend._apply(backend.Change("common.h", "include", "exclude"), tmp_path)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        ({"UV_DEFAULT_INDEX": "https://a/simple"}, {"PIP_INDEX_URL": "https://a/simple"}),
        ({"UV_DEFAULT_INDEX": "corp=https://a/s"}, {"PIP_INDEX_URL": "https://a/s"}),
        ({"UV_INDEX_URL": "https://a/s"}, {"PIP_INDEX_URL": "https://a/s"}),
        ({"UV_INDEX": "x=https://a https://b"}, {"PIP_EXTRA_INDEX_URL": "https://a https://b"}),
    ],
)
def test_pip_downloads_from_the_index_configured_for_uv(backend, environment, expected):
    """Settings for pip itself stay as they are."""
    assert backend._pip_index(environment) == expected
