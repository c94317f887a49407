"""The locks: a wheel for every supported Python, so that only Horovod needs a compiler."""

import re
import tomllib
from collections import defaultdict

import pytest

from pipelines.local.environments import REPOSITORY

# Not **: the environments hold a hundred thousand files.
LOCKS = sorted(
    str(path.relative_to(REPOSITORY))
    for pattern in ("uv.lock", "*/*/uv.lock", "*/*/*/uv.lock")
    for path in REPOSITORY.glob(pattern)
)


@pytest.mark.parametrize("file", LOCKS)
def test_a_package_with_wheels_has_one_for_every_supported_python(file):
    """uv keeps the files of an earlier range of Pythons; `uv lock --refresh` adds the others."""
    lock = tomllib.loads((REPOSITORY / file).read_text("utf-8"))
    oldest, after = map(int, re.findall(r"3\.(\d+)", lock["requires-python"]))
    # A package may be locked in several versions, each for some Pythons.
    name_to_wheels = defaultdict(list)
    for package in lock["package"]:
        name_to_wheels[package["name"]] += [wheel["url"] for wheel in package.get("wheels", ())]

    missing = {
        (name, f"3.{minor}")
        for name, wheels in name_to_wheels.items()
        for minor in range(oldest, after)
        if wheels
        and not any(re.search(rf"[-.](py3|(cp|py)3{minor})[-.]|-abi3-", wheel) for wheel in wheels)
    }

    assert not missing


@pytest.mark.parametrize("file", LOCKS)
def test_a_package_without_wheels_is_built_with_what_is_locked(file):
    """sync.py takes the hashes of a build's dependencies from the group `build`."""
    lock = tomllib.loads((REPOSITORY / file).read_text("utf-8"))
    (project,) = (
        one
        for one in lock["package"]
        if one["source"].get("virtual") == "."
        or one["source"].get("editable") == "."
        or one["source"].get("directory") == "."
    )
    from_source = {
        one["name"] for one in lock["package"] if "sdist" in one and not one.get("wheels")
    }

    assert not from_source or "build" in project.get("dev-dependencies", {})
