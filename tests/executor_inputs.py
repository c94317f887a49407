"""Executor inputs as a cluster makes them: recorded with KFP 2.17, and made in its form.

The recorded metrics have since been renamed after their stages.
"""

import json
import re
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded" / "executor-inputs.json"
LOGS = "executor-logs"
_STORE = "minio://mlpipeline/v2/artifacts/pipeline/run"


def read_recorded() -> list[dict[str, Any]]:
    """Return the recorded steps in the order of the pipeline, each with its command."""
    return json.loads(RECORDED.read_text("utf-8"))


def move_to(folder: Path, executor_input: dict[str, Any]) -> dict[str, Any]:
    """Return an executor input whose artifacts, buckets and outputs lie under a folder.

    An artifact goes to `<folder>/<task>/<name>`, so that the steps of two recorded runs
    follow one another.
    """
    text = json.dumps(executor_input)
    text = re.sub(
        r"(?:minio:/)?/(?:minio/)?mlpipeline/v2/artifacts/[^/]+/[^/]+/([^/]+)/[^/]+/",
        rf"{folder}/\1/",
        text,
    )
    text = text.replace("s3://my-bucket/", f"{folder}/bucket/")
    text = text.replace("/tmp/kfp/outputs/", f"{folder}/parameters/")
    return json.loads(text)


def as_on_cluster(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Return an executor input with what the driver and the backend of KFP 2.17 add to it."""
    inputs, outputs = executor_input.get("inputs", {}), executor_input["outputs"]
    received = {
        name: {
            "artifacts": [
                {
                    **artifact,
                    "name": str(number),
                    "type": {"instanceSchema": ""},
                    "metadata": {
                        **artifact.get("metadata", {}),
                        "display_name": name,
                        "store_session_info": '{"Provider":"minio","Params":{}}',
                    },
                }
                for artifact in entry["artifacts"]
            ]
        }
        for number, (name, entry) in enumerate(inputs.get("artifacts", {}).items(), start=1)
    }
    logs = {
        "name": LOGS,
        "type": {"schemaTitle": "system.Artifact"},
        "uri": f"{_STORE}/task/id/{LOGS}",
    }
    written = {**outputs.get("artifacts", {}), LOGS: {"artifacts": [logs]}}
    return {
        **executor_input,
        "inputs": {**inputs, "artifacts": received},
        "outputs": {**outputs, "artifacts": written},
    }


def make(
    component: Any, task: str, parameters: dict[str, Any], artifacts: dict[str, str]
) -> dict[str, Any]:
    """Return what the driver puts in place of `{{$}}` for a component of kfp.

    Args:
        component: of this project.
        task: its name in the pipeline.
        parameters: the settings that differ from the component's defaults.
        artifacts: the task that each input artifact comes from, and the name it has there:
            `{"initial_checkpoint": "ingest/given_checkpoint"}`.
    """
    spec = component.component_spec
    defaults = {
        name: given.default
        for name, given in (spec.inputs or {}).items()
        if "@" not in given.type and given.default is not None
    }
    outputs = {}
    for name, declared in (spec.outputs or {}).items():
        title, _, version = declared.type.partition("@")
        kind = {"schemaTitle": title, "schemaVersion": version}
        uri = f"{_STORE}/{task}/id/{name}"
        outputs[name] = {"artifacts": [{"name": name, "type": kind, "uri": uri}]}
    inputs = {}
    for name, source in artifacts.items():
        task_before, _, output = source.partition("/")
        inputs[name] = {"artifacts": [{"uri": f"{_STORE}/{task_before}/id/{output}"}]}
    path = f"{_STORE}/{task}/id/output_metadata.json".replace("minio://", "/minio/")
    return as_on_cluster(
        {
            "inputs": {"parameterValues": defaults | parameters, "artifacts": inputs},
            "outputs": {"artifacts": outputs, "outputFile": path},
        }
    )
