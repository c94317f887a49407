"""Find the executions of a run's steps in what KFP 2.15 to 2.17 list of its workflow.

KFP lists every node that Argo Workflows made by its display name, without the node's own id, but
with the ids of the nodes below or after it. An id is `<workflow>-<FNV-1a of the node's name>`,
and names follow one rule, so the names can be found again:

    bert-x2v5k(0).root(0).pretrain(0).executor(1)

is the second try of the pod of the step `pretrain`. Tries of a node are `(0)`, `(1)`, …; where a
cluster sets no retries for a node, it has no such suffix.
"""

import re
from collections.abc import Sequence
from typing import Any

from pipelines.compiled_package import Package
from pipelines.monitoring.executions import Execution, known_time

_FNV_OFFSET, _FNV_PRIME = 2166136261, 16777619
_MOST_TRIES = 32
_TRY = re.compile(r"\((\d+)\)")
_DRIVER, _DRIVER_TEMPLATE = "-driver", "system-container-driver"


def list_executions(tasks: Sequence[Any], package: Package) -> list[Execution]:
    """Return the executions of a run's steps.

    A step is the node that bears its name; its driver, its pods and the graphs around it are
    others. A step whose driver failed has failed.

    Args:
        tasks: the run's, as kfp's client gives them.
        package: what it runs.
    """
    # Besides the nodes there are the launcher's records for its cache, which have no name, and
    # the nodes that Argo leaves out after a failure, which have no state.
    nodes = [task for task in tasks if task.display_name and task.state]
    workflow = Workflow([task for task in tasks if task.display_name])
    found: dict[tuple[str, str], tuple[list[int], Execution]] = {}
    for step in package.steps():
        for node in nodes:
            is_driver = node.display_name == step + _DRIVER and node.state == "FAILED"
            if node.display_name != step and not is_driver:
                continue
            name = workflow.name_of(node)
            pods = workflow.driver_ids(name) if is_driver else workflow.executor_ids(name)
            template = _DRIVER_TEMPLATE if is_driver else package.pod_template(step)
            execution = Execution(
                step,
                node.state,
                known_time(node.start_time),
                known_time(node.end_time),
                is_cached=node.state == "SUCCEEDED" and workflow.has_executor(name) and not pods,
                pod=_pod_name(pods[-1], template) if pods else "",
            )
            # Of the tries of a graph around the step, only the last counts.
            tries, place = _numbers(name), (step, _TRY.sub("", name or node.task_id))
            if place not in found or tries > found[place][0]:
                found[place] = (tries, execution)
    return [execution for _, execution in found.values()]


class Workflow:
    """The nodes of one run's workflow, by their names."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        ids = {child.pod_name for task in tasks for child in task.child_tasks or ()}
        self.name = min(filter(None, ids), default="").rpartition("-")[0]
        """Empty before the first node."""
        self._id_to_name = self._find_names(ids, {task.display_name or "" for task in tasks})

    def _find_names(self, ids: set[str], displays: set[str]) -> dict[str, str]:
        """Try each name that a node below a known one may have."""
        suffixes = [f"({number})" for number in range(_MOST_TRIES)]
        suffixes += [f".{display}" for display in sorted(displays)]
        found: dict[str, str] = {}
        waiting = [self.name] if self.name else []
        while waiting:
            name = waiting.pop()
            start = _hash(name)
            for suffix in suffixes:
                id_ = f"{self.name}-{_hash(suffix, start)}"
                if id_ in ids and id_ not in found:
                    found[id_] = name + suffix
                    waiting.append(name + suffix)
        return found

    def name_of(self, task: Any) -> str:
        """Return the name of the node that a task stands for; empty for one without pods."""
        pattern = rf"(.*\.{re.escape(task.display_name)})(\(\d+\)|\.executor)"
        for child in task.child_tasks or ():
            if match := re.fullmatch(pattern, self._id_to_name.get(child.pod_name, "")):
                return match[1]
        return ""

    def has_executor(self, name: str) -> bool:
        """Tell whether a step's driver has handed over to its executor."""
        return bool(self._ids(rf"{re.escape(name)}(\(\d+\))?\.executor"))

    def executor_ids(self, name: str) -> list[str]:
        """Return the ids of a step's own pods, one a try, the newest last."""
        return self._ids(rf"{re.escape(name)}(\(\d+\))?\.executor\(\d+\)")

    def driver_ids(self, name: str) -> list[str]:
        """Return the ids of the pods of a driver's node, one a try, the newest last."""
        return self._ids(rf"{re.escape(name)}\(\d+\)")

    def _ids(self, pattern: str) -> list[str]:
        names = {name: id_ for id_, name in self._id_to_name.items() if re.fullmatch(pattern, name)}
        return [names[name] for name in sorted(names, key=_numbers)]


def _pod_name(node_id: str, template: str) -> str:
    """Return the name that Argo Workflows gives the pod of a node."""
    workflow, _, number = node_id.rpartition("-")
    return f"{workflow}-{template}-{number}"


def _numbers(name: str) -> list[int]:
    return [int(number) for number in _TRY.findall(name)]


def _hash(text: str, start: int = _FNV_OFFSET) -> int:
    """FNV-1a in 32 bits; of a text in parts, given the hash of the parts before."""
    for byte in text.encode():
        start = (start ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return start
