"""ML Metadata's answers for the runs of the fake server, in gRPC-Web's frames."""

from collections.abc import Mapping, Sequence

from pipelines.metadata import encode_frame, message_class

_DATASET_TYPE, _METRICS_TYPE = 11, 12
_CONTEXT_OF_FIRST_RUN = 100


def answer_metadata(
    method: str,
    request: bytes,
    run_ids: Sequence[str],
    metrics: Mapping[str, Mapping[str, float]],
) -> bytes:
    """The body of an answer: a message and its trailers, or trailers alone."""
    asked = message_class(f"{method}Request").FromString(request)
    answer = message_class(f"{method}Response")()
    if method == "GetContextByTypeAndName":
        assert asked.type_name == "system.PipelineRun"
        if asked.context_name not in run_ids:
            return encode_frame(b"grpc-status:5\r\ngrpc-message:No%20context\r\n", trailer=True)
        answer.context.id = _CONTEXT_OF_FIRST_RUN + run_ids.index(asked.context_name)
    elif method == "GetArtifactType":
        assert asked.type_name == "system.Metrics"
        answer.artifact_type.id = _METRICS_TYPE
    else:
        assert asked.context_id >= _CONTEXT_OF_FIRST_RUN
        dataset = answer.artifacts.add(id=1, type_id=_DATASET_TYPE, uri="s3://bucket/dataset")
        dataset.custom_properties.add(key="num_documents").value.double_value = 60
        for number, (name, values) in enumerate(metrics.items(), 2):
            artifact = answer.artifacts.add(id=number, type_id=_METRICS_TYPE, uri=f"s3://b/{name}")
            artifact.custom_properties.add(key="display_name").value.string_value = name
            for key, value in values.items():
                artifact.custom_properties.add(key=key).value.double_value = value
    trailers = b"grpc-status:0\r\ngrpc-message:\r\n"
    return encode_frame(answer.SerializeToString()) + encode_frame(trailers, trailer=True)
