"""Read what a run's steps put out from ML Metadata over gRPC-Web, as the Kubeflow UI does.

The UI's address serves it; the API server's own does not. The messages are the few of MLMD's
metadata_store.proto and metadata_store_service.proto that this takes, by their numbers.
"""

import datetime
import struct
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster
from pipelines.monitoring.executions import Execution, UnreadableError
from pipelines.monitoring.run_artifacts import Artifact

_TIMEOUT_SECONDS = 30
_TRAILER = 0x80
_NOT_FOUND = 5
_OUTPUT = 4
"""Of an event: the execution put the artifact out."""
_CACHED = 5
# A step whose condition did not hold is CANCELED to KFP's drivers.
_STATES = {2: "RUNNING", 3: "SUCCEEDED", 4: "FAILED", _CACHED: "SUCCEEDED", 6: "SKIPPED"}
_ENDED = frozenset({3, 4, _CACHED})
_Kind = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    "int64": _Kind.TYPE_INT64,
    "double": _Kind.TYPE_DOUBLE,
    "string": _Kind.TYPE_STRING,
    "enum": _Kind.TYPE_INT32,  # the same on the wire
}
# By message: its fields' names, numbers, and types, a kind or a message's name; * is repeated.
_MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Value": {
        "int_value": (1, "int64"),
        "double_value": (2, "double"),
        "string_value": (3, "string"),
    },
    # How protobuf encodes map<string, Value>.
    "Property": {"key": (1, "string"), "value": (2, "Value")},
    "Artifact": {
        "id": (1, "int64"),
        "uri": (3, "string"),
        "custom_properties": (5, "Property*"),
    },
    "Execution": {
        "id": (1, "int64"),
        "last_known_state": (3, "enum"),
        "custom_properties": (5, "Property*"),
        "create_time_since_epoch": (8, "int64"),
        "last_update_time_since_epoch": (9, "int64"),
    },
    "PathStep": {"index": (1, "int64"), "key": (2, "string")},
    "Path": {"steps": (1, "PathStep*")},
    "Event": {
        "artifact_id": (1, "int64"),
        "execution_id": (2, "int64"),
        "path": (3, "Path"),
        "type": (4, "enum"),
    },
    "Context": {"id": (1, "int64"), "name": (3, "string")},
    "GetContextByTypeAndNameRequest": {"type_name": (1, "string"), "context_name": (2, "string")},
    "GetContextByTypeAndNameResponse": {"context": (1, "Context")},
    "GetExecutionsByContextRequest": {"context_id": (1, "int64")},
    "GetExecutionsByContextResponse": {"executions": (1, "Execution*")},
    "GetEventsByExecutionIDsRequest": {"execution_ids": (1, "int64*")},
    "GetEventsByExecutionIDsResponse": {"events": (1, "Event*")},
    "GetArtifactsByIDRequest": {"artifact_ids": (1, "int64*")},
    "GetArtifactsByIDResponse": {"artifacts": (1, "Artifact*")},
}


def list_artifacts(cluster: Cluster, run_id: str, package: Package) -> list[Artifact]:
    """Return the artifacts of a run's steps, those taken from the cache too.

    A step that was retried by its pod has one execution, to which each try adds artifacts; one
    that was retried by its driver has several. Only the newest of either count.

    Raises:
        UnreadableError: if ML Metadata doesn't answer, or refuses.
    """
    newest = _find_executions(cluster, run_id, package)
    outputs = _find_outputs(cluster, sorted(one.id for one in newest.values()))
    ids = sorted(set(outputs.values()))
    found = _call(cluster, "GetArtifactsByID", artifact_ids=ids).artifacts
    artifacts = {one.id: one for one in found}
    return [
        Artifact(
            step,
            execution,
            name,
            artifacts[artifact].uri,
            _list(artifacts[artifact], int | float) if name in package.metrics(step) else {},
            _properties(one).get("pod_name", ""),
            _list(artifacts[artifact], str),
        )
        for (step, execution), one in newest.items()
        for (producer, name), artifact in outputs.items()
        if producer == one.id and artifact in artifacts
    ]


def list_executions(cluster: Cluster, run_id: str, package: Package) -> list[Execution]:
    """Return the executions of a run's steps; those that no driver has begun are missing.

    A step whose pod was lost stays RUNNING.

    Raises:
        UnreadableError: if ML Metadata doesn't answer, or refuses.
    """
    return [
        Execution(
            step,
            _STATES.get(one.last_known_state, "PENDING"),
            _time(one.create_time_since_epoch),
            _time(one.last_update_time_since_epoch) if one.last_known_state in _ENDED else None,
            is_cached=one.last_known_state == _CACHED,
            pod=_properties(one).get("pod_name", ""),
        )
        for (step, _), one in _find_executions(cluster, run_id, package).items()
    ]


def _find_executions(cluster: Cluster, run_id: str, package: Package) -> dict[tuple[str, str], Any]:
    """Return the newest execution of each step, by the step and its iterations."""
    context = _call(
        cluster, "GetContextByTypeAndName", type_name="system.PipelineRun", context_name=run_id
    ).context
    if not context.id:
        return {}
    executions = {
        one.id: one
        for one in _call(cluster, "GetExecutionsByContext", context_id=context.id).executions
    }
    properties = {id_: _properties(one) for id_, one in executions.items()}
    steps = package.steps()
    return {
        (properties[id_]["task_name"], _iteration_of(id_, properties)): one
        for id_, one in sorted(executions.items())
        if properties[id_].get("task_name") in steps
    }


def _find_outputs(cluster: Cluster, executions: Sequence[int]) -> dict[tuple[int, str], int]:
    """Return the newest artifact of each execution's output, by the output's name."""
    outputs: dict[tuple[int, str], int] = {}
    for event in _call(cluster, "GetEventsByExecutionIDs", execution_ids=executions).events:
        if event.type == _OUTPUT and event.path.steps:
            output = (event.execution_id, event.path.steps[0].key)
            outputs[output] = max(event.artifact_id, outputs.get(output, 0))
    return outputs


def _iteration_of(id_: int, executions: Mapping[int, Mapping[str, Any]]) -> str:
    """Return an execution's iteration in each loop around it, outermost first; empty outside."""
    iterations: list[str] = []
    while id_ in executions:
        index = executions[id_].get("iteration_index")
        if index is not None:
            iterations.insert(0, f"{index:06}")
        id_ = executions[id_].get("parent_dag_id", 0)
    return ".".join(iterations)


def _list(artifact: Any, kind: Any) -> dict[str, Any]:
    """Return the properties of an artifact that are of a kind."""
    values = _properties(artifact)
    return {name: value for name, value in values.items() if isinstance(value, kind)}


def _properties(item: Any) -> dict[str, Any]:
    """Return the custom properties of an artifact or an execution."""
    return {one.key: _value(one.value) for one in item.custom_properties}


def encode_frame(message: bytes, *, trailer: bool = False) -> bytes:
    """A frame of gRPC-Web: a flag, the length, the message."""
    return struct.pack(">BI", _TRAILER if trailer else 0, len(message)) + message


def decode_frames(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The message of an answer, and its trailers."""
    message, trailers = b"", {}
    while len(body) >= 5:
        flag, length = struct.unpack(">BI", body[:5])
        content, body = body[5 : 5 + length], body[5 + length :]
        if flag & _TRAILER:
            lines = content.decode("latin-1").splitlines()
            pairs = (line.partition(":") for line in lines)
            trailers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        else:
            message += content
    return message, trailers


def message_class(name: str) -> Any:
    """The class of one of MLMD's messages."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"ml_metadata.{name}"))


def _call(cluster: Cluster, method: str, **fields: Any) -> Any:
    request = message_class(f"{method}Request")(**fields)
    parts = urlsplit(cluster.host)
    # The UI calls it beside the pipelines' prefix, not below it.
    path = f"/ml_metadata.MetadataStoreService/{method}"
    url = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    headers = {
        "Content-Type": "application/grpc-web+proto",
        "X-Grpc-Web": "1",
        **cluster.headers(),
    }
    data = encode_frame(request.SerializeToString())
    call = urllib.request.Request(url, data, headers)  # noqa: S310 - connect checked the scheme
    try:
        with urllib.request.urlopen(call, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            message, trailers = decode_frames(answer.read())
            status = {**dict(answer.headers.items()), **trailers}
    except (OSError, ValueError) as error:
        raise UnreadableError(
            f"ML Metadata, which only the UI's address serves: {url}: {error}"
        ) from None
    lowered = {name.lower(): value for name, value in status.items()}
    code = int(lowered.get("grpc-status", "0"))
    if code not in (0, _NOT_FOUND):
        said = unquote(lowered.get("grpc-message", ""))
        raise UnreadableError(f"ML Metadata: {url}: {said} (gRPC {code})")
    return message_class(f"{method}Response").FromString(message)


def _time(milliseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)


def _value(value: Any) -> int | float | str | None:
    for field in ("double_value", "int_value", "string_value"):
        if value.HasField(field):
            return getattr(value, field)
    return None


def _make_pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="metadata_store.proto", package="ml_metadata", syntax="proto2"
    )
    for message, fields in _MESSAGES.items():
        descriptor = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            field = descriptor.field.add(name=name, number=number)
            repeated = kind.endswith("*")
            field.label = _Kind.LABEL_REPEATED if repeated else _Kind.LABEL_OPTIONAL
            if kind.rstrip("*") in _KINDS:
                field.type = _KINDS[kind.rstrip("*")]
            else:
                field.type = _Kind.TYPE_MESSAGE
                field.type_name = f".ml_metadata.{kind.rstrip('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _make_pool()
