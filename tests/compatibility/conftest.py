"""The artifacts of earlier releases, and the commands of this one."""

import shutil
from pathlib import Path

import pytest

from pipelines.local.environments import REPOSITORY, STAGES, python, set_up
from tests.compatibility.write import Stages

FOLDER = Path(__file__).parent
RELEASES = sorted(path.name for path in FOLDER.iterdir() if (path / "inputs").is_dir())


@pytest.fixture(scope="session")
def environments() -> None:
    """The stages' environments, in which their commands run."""
    for stage in STAGES:
        if not python(stage).exists():
            set_up(stage)


@pytest.fixture(params=RELEASES)
def stages(environments, request, tmp_path) -> Stages:
    """The commands of this release, in a copy of the artifacts of an earlier one."""
    shutil.copytree(FOLDER / request.param, tmp_path / "artifacts")
    return Stages(REPOSITORY, tmp_path / "artifacts")
