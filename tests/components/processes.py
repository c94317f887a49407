"""The processes of a step, as Linux lists them."""

from pathlib import Path


def find_children(parent: int) -> list[int]:
    """Return a process's children in the order in which they were started."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Return whether a process is there, and not only its exit status."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
