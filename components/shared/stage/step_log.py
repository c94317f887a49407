"""What a step wrote on the terminal, and the error in it."""

import re

LOGS = "executor-logs"
"""KFP's artifact of a step's output on the terminal; of a retried step one a try, numbered."""

_MAX_LINES = 40
# What KFP's launcher and driver write of their own, and Argo's process around them.
_LAUNCHER = re.compile(r"(?P<severity>[IWEF])\d{4} [\d:.]+ +\d+ [\w.]+:\d+\] (?P<message>.*)")
_ARGO = re.compile(r"time=\S+ level=.* argo=true|Error: exit status \d+$")
# A stage's own error: `pretrain: error: …`.
_ERROR = re.compile(r"[a-z][a-z-]*( [a-z-]+)?: error: ")
_TRACEBACK = "Traceback (most recent call last):"


def find_error(log: str) -> str:
    """Return the error at a failed step's end.

    That is the stage's own, a traceback, KFP's, or the last lines.
    """
    matches = _match_launcher(log)
    lines = [line for line, match in matches if not match]
    if own := _find_own_error(lines):
        return own
    if lines:
        return "\n".join(lines[-_MAX_LINES:])
    errors = [match["message"] for _, match in matches if match and match["severity"] in "EF"]
    return errors[-1] if errors else "it wrote nothing before it ended"


def find_own_error(log: str) -> str:
    """Return the stage's own error or the traceback at a log's end; empty without one."""
    return _find_own_error([line for line, match in _match_launcher(log) if not match])


def _match_launcher(log: str) -> list[tuple[str, re.Match[str] | None]]:
    """Return a log's lines, each with its parts if KFP's launcher wrote it."""
    return [
        (line, _LAUNCHER.match(line))
        for line in log.splitlines()
        if line.strip() and not _ARGO.match(line)
    ]


def _find_own_error(lines: list[str]) -> str:
    own = [number for number, line in enumerate(lines) if _ERROR.match(line)]
    if own:
        return "\n".join(lines[own[-1] :][:_MAX_LINES])
    crashes = [number for number, line in enumerate(lines) if line == _TRACEBACK]
    return "\n".join(lines[crashes[-1] :][-_MAX_LINES:]) if crashes else ""
