"""What tests of every environment use."""

import os
import signal
from pathlib import Path

import pytest


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
