"""Run in the server's image: starts it with a small model, and prints its answers as JSON.

python -m tests.images.ask_server ENGINE
"""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.components.serve.models import write_model

_START_SECONDS = 120
_ADDRESS = "http://127.0.0.1:8080"
_INSTANCES = [
    {"context": "the cat sat on the mat . home is far away", "question": question}
    for question in ("where is home", "where sat the cat", "is the mat home")
]


def _ask() -> str:
    request = urllib.request.Request(
        f"{_ADDRESS}/v1/models/bert:predict",
        json.dumps({"instances": _INSTANCES}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read().decode()


def main() -> None:
    """Print the answers, or fail with the server's log."""
    model = write_model(Path("/tmp/model"))
    log = Path("/tmp/log")
    command = [sys.executable, "-m", "components.serve", "--model", str(model)]
    command += ["--engine", sys.argv[1], "--precision", "float32", "--max-length-tokens", "96"]
    with log.open("wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and server.poll() is None:
            try:
                answers = _ask()
            except OSError:
                time.sleep(0.5)
                continue
            print(json.dumps({"answers": json.loads(answers), "log": log.read_text("utf-8")}))
            return
        sys.exit(log.read_text("utf-8"))
    finally:
        server.terminate()
        server.wait(60)


if __name__ == "__main__":
    main()
