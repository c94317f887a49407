"""A writer's format can't change while its number stays."""

import json

import pytest

from components.shared.files.formats import FORMATS
from tests.compatibility.structures import RECORDED, find_structures, write_all

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def structures(environments, tmp_path_factory) -> dict[str, list[str]]:
    """Those of the files that the stages write today."""
    folder = tmp_path_factory.mktemp("written")
    write_all(folder)
    return find_structures(folder)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_format_of_a_number_stays(structures, kind):
    """Each key, and the types of its values."""
    numbers = json.loads(RECORDED.read_text("utf-8"))[kind]
    number = str(FORMATS[kind])
    command = "`.venv/bin/python -m tests.compatibility.structures` records it"
    assert number in numbers, f"{kind}: format {number} has no structure yet; {command}"

    new, old = set(structures[kind]), set(numbers[number])
    changes = [f"+ {line}" for line in sorted(new - old)]
    changes += [f"- {line}" for line in sorted(old - new)]

    assert not changes, (
        f"{kind} is written otherwise than format {number} says. Raise its number in "
        f"components/shared/files/formats.py, read the form before it too, and then {command}:\n"
        + "\n".join(changes)
    )


def test_each_number_so_far_is_recorded():
    """Readers read all of them."""
    recorded = json.loads(RECORDED.read_text("utf-8"))

    assert {kind: [*numbers] for kind, numbers in recorded.items()} == {
        kind: [str(number) for number in range(1, newest + 1)] for kind, newest in FORMATS.items()
    }
