"""The metrics of a run, from ML Metadata over gRPC-Web, as the Kubeflow UI reads them.

KFP 2.17's own API names a run's steps but not what they put out. The messages are the few of
MLMD's metadata_store.proto and metadata_store_service.proto that this takes, by their numbers.
"""

import struct
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from pipelines.cluster import Cluster

_TIMEOUT_SECONDS = 30
_TRAILER = 0x80
_NOT_FOUND = 5
_Kind = descriptor_pb2.FieldDescriptorProto
# By message: its fields' names, numbers, and types; a message's name with * repeated.
_MESSAGES: Mapping[str, Mapping[str, tuple[int, int | str]]] = {
    "Value": {
        "int_value": (1, _Kind.TYPE_INT64),
        "double_value": (2, _Kind.TYPE_DOUBLE),
        "string_value": (3, _Kind.TYPE_STRING),
    },
    # How protobuf encodes map<string, Value>.
    "Property": {"key": (1, _Kind.TYPE_STRING), "value": (2, "Value")},
    "Artifact": {
        "id": (1, _Kind.TYPE_INT64),
        "type_id": (2, _Kind.TYPE_INT64),
        "uri": (3, _Kind.TYPE_STRING),
        "custom_properties": (5, "Property*"),
    },
    "Type": {"id": (1, _Kind.TYPE_INT64), "name": (2, _Kind.TYPE_STRING)},
    "Context": {"id": (1, _Kind.TYPE_INT64), "name": (3, _Kind.TYPE_STRING)},
    "GetContextByTypeAndNameRequest": {
        "type_name": (1, _Kind.TYPE_STRING),
        "context_name": (2, _Kind.TYPE_STRING),
    },
    "GetContextByTypeAndNameResponse": {"context": (1, "Context")},
    "GetArtifactTypeRequest": {"type_name": (1, _Kind.TYPE_STRING)},
    "GetArtifactTypeResponse": {"artifact_type": (1, "Type")},
    "GetArtifactsByContextRequest": {"context_id": (1, _Kind.TYPE_INT64)},
    "GetArtifactsByContextResponse": {"artifacts": (1, "Artifact*")},
}


class MetadataError(Exception):
    """ML Metadata did not answer, or refused."""


def fetch_metrics(cluster: Cluster, run_id: str) -> dict[str, dict[str, float]]:
    """The scalars of a run's Metrics artifacts, by the artifact's name.

    Raises:
        MetadataError: if they can't be read.
    """
    context = _call(
        cluster, "GetContextByTypeAndName", type_name="system.PipelineRun", context_name=run_id
    ).context
    kind = _call(cluster, "GetArtifactType", type_name="system.Metrics").artifact_type
    if not context.id or not kind.id:
        return {}
    found = _call(cluster, "GetArtifactsByContext", context_id=context.id).artifacts
    metrics: dict[str, dict[str, float]] = {}
    for artifact in sorted(found, key=lambda one: one.id):
        if artifact.type_id != kind.id:
            continue
        values = {one.key: _scalar(one.value) for one in artifact.custom_properties}
        name = str(values.pop("display_name", "") or artifact.uri.rpartition("/")[2])
        numbers = {key: value for key, value in values.items() if isinstance(value, int | float)}
        # A loop's steps have an artifact of one name each.
        while numbers and name in metrics:
            name += "'"
        if numbers:
            metrics[name] = dict(sorted(numbers.items()))
    return metrics


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
        raise MetadataError(f"{url}: {error}") from None
    lowered = {name.lower(): value for name, value in status.items()}
    code = int(lowered.get("grpc-status", "0"))
    if code not in (0, _NOT_FOUND):
        raise MetadataError(f"{url}: {unquote(lowered.get('grpc-message', ''))} (gRPC {code})")
    return message_class(f"{method}Response").FromString(message)


def _scalar(value: Any) -> int | float | str | None:
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
            repeated = isinstance(kind, str) and kind.endswith("*")
            field = descriptor.field.add(
                name=name,
                number=number,
                label=_Kind.LABEL_REPEATED if repeated else _Kind.LABEL_OPTIONAL,
            )
            if isinstance(kind, str):
                field.type = _Kind.TYPE_MESSAGE
                field.type_name = f".ml_metadata.{kind.rstrip('*')}"
            else:
                field.type = kind  # type: ignore[assignment]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _make_pool()
