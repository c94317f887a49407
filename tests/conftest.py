"""What tests of every environment use."""

import importlib.util
import os
import random
import signal
from itertools import groupby
from pathlib import Path

import pytest

if importlib.util.find_spec("hypothesis"):
    from hypothesis import settings

    # No time limit: whether a test passes must not depend on the machine's load.
    settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
    settings.register_profile("fuzz", database=None, deadline=None, print_blob=True)
    settings.load_profile("fixed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --shuffle."""
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="shuffle the files, and the tests of each; the same seed gives the same order",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffle the tests, keeping those of a file together: they share what is slow to set up."""
    seed = config.getoption("shuffle")
    if seed is None:
        return
    order = random.Random(seed)
    files = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
    order.shuffle(files)
    for tests in files:
        order.shuffle(tests)
    items[:] = [item for tests in files for item in tests]


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Tell how to run the tests in the same order again."""
    seed = config.getoption("shuffle")
    if seed is not None:
        terminalreporter.write_line(f"shuffled by --shuffle {seed}")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that REAL_DATA names."""
    folder = os.environ.get("REAL_DATA")
    if not folder:
        pytest.skip("REAL_DATA is not set: it names a folder with real Wikipedia and SQuAD files")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Give started processes a SIGINT that works: a shell's background job has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
