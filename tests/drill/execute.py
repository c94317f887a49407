"""Run a compiled package on this machine, as Kubeflow runs it: in steps that are retried.

python -m tests.drill.execute PACKAGE PARAMETERS OUTPUT
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from kfp import components

from pipelines.local.runner import StepFailedError, run


def main(arguments: Sequence[str]) -> int:
    """Run it; return 1 if a step failed."""
    package, parameters, output = map(Path, arguments)
    # A lost pod is replaced at once, not after a minute.
    text = re.sub(r"backoffDuration: .*", "backoffDuration: 0s", package.read_text("utf-8"))
    pipeline = components.load_component_from_text(text)
    given = json.loads(parameters.read_text("utf-8"))
    try:
        run(given, runner="process", output=output, pipeline=pipeline)
    except StepFailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
