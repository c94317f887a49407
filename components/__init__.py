"""The stages of the pipeline, one folder each, and what they share."""

import os
import sys
from types import TracebackType

# TensorFlow greets with a dozen lines about its build; it reads this when first imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an error that nobody caught; of Ctrl-C, no traceback."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


# From the start: imports take seconds, and a command line catches Ctrl-C only after them.
sys.excepthook = _show
