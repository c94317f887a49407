"""The nodes of an Argo workflow, as the API server of KFP 2.17 lists them among a run's tasks."""

import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any

_CREATED, _BEGUN = "2026-11-01T00:00:00Z", "2026-11-01T00:01:00Z"
_OVER, _NO_TIME = "2026-11-01T01:03:00Z", "0001-01-01T00:00:00Z"
_ENDED = ("SUCCEEDED", "FAILED", "SKIPPED")
_DISPLAY = re.compile(r"[^.]+(\.onExit)?(\([\d:]+\))?(\(\d+\))?$")
CACHED, OMITTED, DRIVER_FAILED = "CACHED", "OMITTED", "DRIVER_FAILED"


def node_id(workflow: str, name: str) -> str:
    """Return the id that Argo Workflows gives a node."""
    hashed = 2166136261
    for byte in name.encode():
        hashed = ((hashed ^ byte) * 16777619) % 2**32
    return f"{workflow}-{hashed}"


def list_tasks(run_id: str, workflow: str, steps: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a run's tasks.

    Args:
        run_id: of the run.
        workflow: its workflow's name.
        steps: the state of each step, by its name after those of the graphs around it
            (`condition-1/bert/ingest`, `for-loop-1[0]/finetune`; `exit-handler-1.onExit/notify`
            for an exit task; `root(1)/ingest` in the second try of all). The states of several
            tries of its pod are separated by commas. CACHED, the API has no OMITTED (after a
            failure) and no DRIVER_FAILED.
    """
    states = dict(_nodes(workflow, steps))
    tasks = []
    for name, state in states.items():
        children = [one for one in states if _parent(one) == name]
        tasks.append(_task(run_id, workflow, name, state, children))
    # A launcher's record of what it ran, for the cache.
    ran = [name for name in states if ".executor(" in name]
    tasks += [
        {"run_id": run_id, "task_id": node_id("record", name), "execution_id": str(number)}
        for number, name in enumerate(ran, 4)
    ]
    return tasks


def _nodes(workflow: str, steps: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each node's name and state; each try of a node is a node of its own."""
    states = [state.rpartition(",")[2] for state in steps.values()]
    whole = "RUNNING"
    if states and all(state in (*_ENDED, CACHED, OMITTED, DRIVER_FAILED) for state in states):
        whole = "FAILED" if {"FAILED", DRIVER_FAILED} & set(states) else "SUCCEEDED"
    root = yield from _tries(workflow, whole)
    yield from _tries(f"{root}.root-driver", "SUCCEEDED")
    dag = yield from _tries(f"{root}.root", whole)
    for path, state in steps.items():
        *graphs, step = path.split("/")
        parent = dag
        for graph in graphs:
            if graph.startswith("root("):
                parent = f"{root}.{graph}"
                yield parent, whole
                continue
            name, _, index = graph.rstrip("]").partition("[")
            if name.endswith(".onExit"):
                parent = yield from _tries(f"{parent}.{name}", "SUCCEEDED")
                continue
            if not index:
                yield from _tries(f"{parent}.{name}-driver", "SUCCEEDED")
            parent = yield from _tries(f"{parent}.{name}", whole)
            if index:
                group = f"{parent}.iteration-iterations"
                yield group, whole
                parent = yield from _tries(f"{group}({index}:{index})", whole)
                parent = yield from _tries(f"{parent}.iteration-item", whole)
        yield from _step(f"{parent}.{step}", state)


def _step(name: str, state: str) -> Iterator[tuple[str, str]]:
    last = state.rpartition(",")[2]
    if last in (OMITTED, DRIVER_FAILED):
        if last == DRIVER_FAILED:
            yield from _tries(f"{name}-driver", "FAILED")
        else:
            yield f"{name}-driver", ""
        yield name, ""
        return
    yield from _tries(f"{name}-driver", "SUCCEEDED")
    if last == "SKIPPED":
        yield name, last
        return
    node = yield from _tries(name, "SUCCEEDED" if last == CACHED else last)
    if last == CACHED:
        yield f"{node}.executor", "SKIPPED"
    elif last != "PENDING":
        yield f"{node}.executor", last
        for number, one in enumerate(state.split(",")):
            yield f"{node}.executor({number})", one


def _tries(name: str, state: str) -> Generator[tuple[str, str], None, str]:
    """Yield a node and its only try; return the try's name."""
    yield name, state
    yield f"{name}(0)", state
    return f"{name}(0)"


def _parent(name: str) -> str:
    """Return the node that lists a node among its children."""
    if name.endswith(")"):
        return name[: name.rindex("(")]
    return name.rpartition(".")[0]


def _task(run_id: str, workflow: str, name: str, state: str, children: list[str]) -> dict[str, Any]:
    display = _DISPLAY.search(name)[0]
    # Argo gives a node that it omits the same time as start and end.
    ended = state in _ENDED or not state
    task = {
        "run_id": run_id,
        "task_id": node_id("task", f"{run_id}.{name}"),
        "display_name": display,
        "create_time": _CREATED,
        "start_time": _BEGUN if state else _OVER,
        "end_time": _OVER if ended else _NO_TIME,
        "state_history": [{"update_time": _BEGUN} | ({"state": state} if state else {})],
    }
    if state:
        task["state"] = state
    if children:
        task["child_tasks"] = [{"pod_name": node_id(workflow, child)} for child in children]
    return task
