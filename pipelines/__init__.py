"""The pipeline, and how it is compiled and run."""

import components  # noqa: F401 - first: Ctrl-C during the other imports shows no traceback
