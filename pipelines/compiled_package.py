"""A compiled pipeline: its name, parameters and steps, as its IR YAML says."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.shared.errors import InputError


@dataclass(frozen=True)
class Package:
    """The IR of a pipeline, and what its platform is told beside it."""

    spec: Mapping[str, Any]
    platform: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The pipeline's."""
        return self.spec["pipelineInfo"]["name"]

    @property
    def description(self) -> str:
        """The pipeline's, as the UI shows it."""
        return self.spec["pipelineInfo"].get("description", "")

    @property
    def version_name(self) -> str:
        """The name of the version that it is: equal content, equal name."""
        content = json.dumps([self.spec, self.platform], sort_keys=True).encode()
        return f"{self.name}-{hashlib.sha256(content).hexdigest()[:12]}"

    @property
    def oldest_server(self) -> str:
        """The oldest KFP version that reads all of the package's settings; see `fit`."""
        kubernetes = self.platform.get("platforms", {}).get("kubernetes", {})
        if "pipelineConfig" in kubernetes:
            return "2.17"
        executors = kubernetes.get("deploymentSpec", {}).get("executors", {})
        return "2.16" if any("securityContext" in one for one in executors.values()) else "2.15"

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """By name: parameterType, description, defaultValue, isOptional."""
        return self.spec["root"].get("inputDefinitions", {}).get("parameters", {})

    def steps(self) -> dict[str, str]:
        """Return the name that the UI shows of each step, by its name in the IR, in order.

        Steps within conditions and loops are among them.
        """
        return {
            name: task.get("taskInfo", {}).get("name", name)
            for name, (task, _) in self._steps().items()
        }

    def pod_template(self, step: str) -> str:
        """Return the name of the template that KFP's compiler makes a step's pods from."""
        task, component = self._steps()[step]
        kubernetes = self.platform.get("platforms", {}).get("kubernetes", {})
        executors = kubernetes.get("deploymentSpec", {}).get("executors", {})
        pod = executors.get(component["executorLabel"], {}).get("podMetadata")
        metadata = ""
        if pod is not None:
            counts = (len(pod.get(name, ())) for name in ("annotations", "labels"))
            metadata = "metadata-{}-{}-".format(*counts)
        retry = "retry-" if "retryPolicy" in task else ""
        return f"{metadata}{retry}system-container-impl"

    def metrics(self, step: str) -> list[str]:
        """Return the names of a step's output artifacts that hold metrics."""
        _, component = self._steps()[step]
        declared = component.get("outputDefinitions", {}).get("artifacts", {})
        kinds = {name: one["artifactType"].get("schemaTitle") for name, one in declared.items()}
        return [name for name, kind in kinds.items() if kind == "system.Metrics"]

    def _steps(self) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return each step's task and component."""
        return dict(self._walk(self.spec["root"]["dag"]))

    def _walk(
        self, dag: Mapping[str, Any]
    ) -> Iterator[tuple[str, tuple[Mapping[str, Any], Mapping[str, Any]]]]:
        for name in _sort_by_dependence(dag["tasks"]):
            task = dag["tasks"][name]
            component = self.spec["components"][task["componentRef"]["name"]]
            if "dag" in component:
                yield from self._walk(component["dag"])
            else:
                yield name, (task, component)

    def without_cache(self) -> "Package":
        """The same, but every step is run anew."""
        spec = json.loads(json.dumps(self.spec))
        dags = [spec["root"]["dag"]]
        dags += [one["dag"] for one in spec["components"].values() if "dag" in one]
        for dag in dags:
            for task in dag["tasks"].values():
                task["cachingOptions"] = {}
        return Package(spec, self.platform)

    def write(self, path: Path) -> None:
        """Write it as the compiler does."""
        documents = [self.spec, self.platform] if self.platform else [self.spec]
        path.write_text(yaml.safe_dump_all(documents), encoding="utf-8")


def read_package(path: Path) -> Package:
    """Read what `python -m pipelines compile` or kfp's compiler wrote.

    Raises:
        InputError: if it is none.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text("utf-8")))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; `python -m pipelines compile` writes a package"
        ) from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a pipeline package: {error}") from None
    platforms = [one for one in documents[1:] if isinstance(one, dict)]
    first = documents[0] if documents else None
    if isinstance(first, dict) and first.get("kind") in ("Pipeline", "PipelineVersion"):
        raise InputError(
            f"{path}: holds resources for `kubectl apply`; `python -m pipelines compile` writes a "
            "package without --format kubernetes"
        )
    if not isinstance(first, dict) or not {"pipelineInfo", "root", "components"} <= first.keys():
        raise InputError(
            f"{path}: not a pipeline package: expected IR YAML with pipelineInfo, root and "
            "components, as `python -m pipelines compile` writes it"
        )
    return Package(first, {key: value for one in platforms for key, value in one.items()})


def parse_version(document: Mapping[str, Any]) -> Package:
    """The package of a version, as the API server gives its pipeline_spec."""
    return Package(document.get("pipeline_spec", document), document.get("platform_spec", {}))


def _sort_by_dependence(tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Steps after those whose outputs they take; the rest by name."""
    ordered: list[str] = []
    waiting = sorted(tasks)
    while waiting:
        ready = [
            name for name in waiting if set(tasks[name].get("dependentTasks", ())) <= set(ordered)
        ]
        ordered += ready or waiting
        waiting = [name for name in waiting if name not in ordered]
    return ordered
