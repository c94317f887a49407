"""What the compiled packages promise those who run them: names, types, defaults, artifacts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler

from pipelines.bert import bert
from pipelines.classification import classification
from pipelines.machines.sizing import fit
from pipelines.retraining import retraining

# Recorded from the committed packages for the machine cpu when configs became the only source.
RECORDED = json.loads(Path(__file__).with_name("interfaces.json").read_text("utf-8"))


def describe(part: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Parameters with type and default, and artifacts with their type."""
    return {
        "parameters": {
            name: [one["parameterType"], *([one["defaultValue"]] if "defaultValue" in one else [])]
            for name, one in part.get("parameters", {}).items()
        },
        "artifacts": {
            name: one["artifactType"]["schemaTitle"]
            for name, one in part.get("artifacts", {}).items()
        },
    }


def describe_both(component: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Inputs and outputs."""
    return {
        "inputs": describe(component.get("inputDefinitions", {})),
        "outputs": describe(component.get("outputDefinitions", {})),
    }


def expect_kept(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Parameters may be added, if they have a default; nothing may change or go."""
    for side, kinds in recorded.items():
        for kind, entries in kinds.items():
            kept = {name: now[side][kind].get(name) for name in entries}
            added = {name: now[side][kind][name] for name in now[side][kind].keys() - entries}

            assert kept == entries
            if (side, kind) == ("inputs", "parameters"):
                assert all(len(entry) == 2 for entry in added.values()), added


@pytest.mark.parametrize("name", RECORDED["pipelines"])
def test_a_package_keeps_its_interface(name, tmp_path):
    """Stored runs, schedules and other pipelines rely on it."""
    fitted = fit(classification if name == "classification" else bert, "cpu")
    package = fit(retraining(fitted), "cpu") if name == "retraining" else fitted
    compiler.Compiler().compile(package, str(tmp_path / "package.yaml"))
    spec = next(yaml.safe_load_all((tmp_path / "package.yaml").read_text("utf-8")))

    expect_kept(RECORDED["pipelines"][name], describe_both(spec["root"]))
    components = {
        key.removeprefix("comp-"): one
        for key, one in spec["components"].items()
        if "executorLabel" in one
    }
    assert components
    for key, component in components.items():
        expect_kept(RECORDED["components"][key], describe_both(component))
