"""ML Metadata's answers for the runs of the fake server, in gRPC-Web's frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.monitoring.metadata import encode_frame, message_class

_INPUT, _OUTPUT = 3, 4
_STATES = {"RUNNING": 2, "COMPLETE": 3, "FAILED": 4, "CACHED": 5}
# 2026-11-01, 0:01 and 1:03 UTC, as the workflow's nodes have them.
_BEGUN, _OVER = 1793491260000, 1793494980000
_CONTEXT_OF_FIRST_RUN = 100


@dataclass(frozen=True)
class Output:
    """An artifact that a try of a step put out."""

    name: str
    properties: Mapping[str, float | str] = field(default_factory=dict)
    uri: str = ""


@dataclass(frozen=True)
class Execution:
    """A step's record: one for all tries of its pod."""

    step: str
    outputs: Sequence[Output] = ()
    """In the order of the tries."""
    iteration: int | None = None
    """Of the loop around it."""
    pod: str = ""
    """Of its last try."""
    state: str = "COMPLETE"
    """ML Metadata's: RUNNING, COMPLETE, FAILED, CACHED."""


def answer_metadata(
    method: str, request: bytes, run_ids: Sequence[str], executions: Sequence[Execution]
) -> bytes:
    """Return the body of an answer: a message and its trailers, or trailers alone."""
    asked = message_class(f"{method}Request").FromString(request)
    answer = message_class(f"{method}Response")()
    if method == "GetContextByTypeAndName":
        assert asked.type_name == "system.PipelineRun"
        if asked.context_name not in run_ids:
            return encode_frame(b"grpc-status:5\r\ngrpc-message:No%20context\r\n", trailer=True)
        answer.context.id = _CONTEXT_OF_FIRST_RUN + run_ids.index(asked.context_name)
    elif method == "GetExecutionsByContext":
        assert asked.context_id >= _CONTEXT_OF_FIRST_RUN
        _add_executions(answer, executions)
    elif method == "GetEventsByExecutionIDs":
        for number, execution, output, artifact in _number(executions):
            if number in asked.execution_ids:
                event = answer.events.add(artifact_id=artifact, execution_id=number, type=_OUTPUT)
                event.path.steps.add(key=output.name)
                event.path.steps.add(index=0)
                # A later step's input, of the same run.
                read = answer.events.add(artifact_id=artifact, execution_id=number, type=_INPUT)
                read.path.steps.add(key=f"{execution.step}_before")
    else:
        assert method == "GetArtifactsByID"
        for _, _, output, artifact in _number(executions):
            if artifact in asked.artifact_ids:
                found = answer.artifacts.add(id=artifact, uri=output.uri)
                found.custom_properties.add(key="display_name").value.string_value = output.name
                session = '{"Provider":"minio","Params":{"endpoint":"seaweedfs.kubeflow:9000"}}'
                found.custom_properties.add(key="store_session_info").value.string_value = session
                for key, value in output.properties.items():
                    kind = "string_value" if isinstance(value, str) else "double_value"
                    setattr(found.custom_properties.add(key=key).value, kind, value)
    trailers = b"grpc-status:0\r\ngrpc-message:\r\n"
    return encode_frame(answer.SerializeToString()) + encode_frame(trailers, trailer=True)


def _number(executions: Sequence[Execution]):
    """Executions from 10, artifacts from 1000, in the order in which they were made."""
    artifact = 1000
    for number, execution in enumerate(executions, 10):
        for output in execution.outputs:
            artifact += 1
            yield number, execution, output, artifact


def _add_executions(answer, executions: Sequence[Execution]) -> None:
    """The run's graph is execution 1; a loop is 2, its iterations 3, 4, …"""
    answer.executions.add(id=1).custom_properties.add(key="task_name").value.string_value = ""
    for number in sorted({one.iteration for one in executions if one.iteration is not None}):
        graph = answer.executions.add(id=3 + number)
        graph.custom_properties.add(key="task_name").value.string_value = "for-loop-1"
        graph.custom_properties.add(key="iteration_index").value.int_value = number
        graph.custom_properties.add(key="parent_dag_id").value.int_value = 1
    for number, execution in enumerate(executions, 10):
        added = answer.executions.add(
            id=number,
            last_known_state=_STATES[execution.state],
            create_time_since_epoch=_BEGUN,
            last_update_time_since_epoch=_OVER,
        )
        added.custom_properties.add(key="task_name").value.string_value = execution.step
        added.custom_properties.add(key="pod_name").value.string_value = execution.pod
        parent = 1 if execution.iteration is None else 3 + execution.iteration
        added.custom_properties.add(key="parent_dag_id").value.int_value = parent
