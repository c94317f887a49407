"""What the tests of ingest share: good inputs, and a server that misbehaves on demand."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.ingest.misbehaving_server import Server
from tests.components.ingest.samples import Inputs, write_inputs


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """Good inputs on disk."""
    return write_inputs(tmp_path / "inputs")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on a free port of this machine, ended with the test."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as started:
        thread = threading.Thread(target=started.serve_forever, args=(0.02,))
        thread.start()
        yield started
        started.shutdown()
        thread.join()
