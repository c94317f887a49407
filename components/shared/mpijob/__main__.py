"""What an MPIJob's pods run beside the training: python -m components.shared.mpijob WORD.

launch: in the launcher, the training on all workers; serve: a worker; fetch: its inputs,
beforehand; stop: before a worker's end, its training's.
"""

import sys
from pathlib import Path

from components.shared.errors import InputError
from components.shared.mpijob import launch, workers


def main(arguments: list[str]) -> int:
    """Run one of them and return its exit status."""
    word, *rest = arguments
    try:
        if word == "launch":
            return launch.launch(rest)
        if word == "serve":
            workers.serve()
        elif word == "fetch":
            workers.fetch_inputs([Path(path) for path in rest])
        elif word == "stop":
            workers.stop()
        else:
            raise InputError(f"the command must be launch, serve, fetch or stop, got {word!r}")
    except InputError as error:
        print(f"{word}: error: {error}", file=sys.stderr, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
