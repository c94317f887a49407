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
    # Under CI, Hypothesis's own default would draw the same examples here, too.
    settings.register_profile(
        "fuzz", derandomize=False, database=None, deadline=None, print_blob=True
    )
    settings.load_profile("fixed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --fuzz and --shuffle."""
    parser.addoption(
        "--fuzz",
        type=int,
        metavar="SEED",
        help="run the randomized tests alone, on examples of their own for each seed",
    )
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="shuffle the files, and the tests of each; the same seed gives the same order",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Hand --fuzz on to Hypothesis, which reads its own options after this."""
    seed = config.getoption("fuzz")
    if seed is not None:
        config.option.hypothesis_profile, config.option.hypothesis_seed = "fuzz", str(seed)


@pytest.hookimpl(trylast=True)  # Hypothesis marks its tests first
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select and order the tests as --fuzz and --shuffle say."""
    if config.getoption("fuzz") is not None:
        others = [item for item in items if not _is_randomized(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _is_randomized(item)]
    if (seed := config.getoption("shuffle")) is not None:
        _shuffle(items, random.Random(seed))


def _is_randomized(item: pytest.Item) -> bool:
    is_of_hypothesis = item.get_closest_marker("hypothesis") is not None
    return is_of_hypothesis or "random_seed" in getattr(item, "fixturenames", ())


def _shuffle(items: list[pytest.Item], order: random.Random) -> None:
    # The tests of a file stay together: they share what is slow to set up.
    files = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
    order.shuffle(files)
    for tests in files:
        order.shuffle(tests)
    items[:] = [item for tests in files for item in tests]


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Tell how to run the same tests in the same order again."""
    for name, done in {"fuzz": "examples drawn", "shuffle": "order shuffled"}.items():
        if (seed := config.getoption(name)) is not None:
            terminalreporter.write_line(f"{done} by --{name} {seed}")


@pytest.fixture(scope="session")
def random_seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of a randomized test without Hypothesis: 0, except in make fuzz."""
    return request.config.getoption("fuzz") or 0


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
