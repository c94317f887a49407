"""The settings of the server."""

from dataclasses import dataclass
from typing import Literal

from components.shared.errors import InputError
from components.shared.squad.settings import SpanConfig
from components.shared.stage.settings import Rare, expect_choices

_LEAST = {
    "http_port": 1,
    "grpc_port": 0,
    "max_sentence_tokens": 5,
    "max_batch": 1,
    "max_wait_ms": 0,
    "max_queue": 1,
    "max_request_bytes": 1024,
    "timeout_seconds": 1,
    "grace_seconds": 0,
    "poll_seconds": 1,
    "num_streams": 1,
    "num_answers": 1,
}
_LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class ServeConfig(SpanConfig):
    """Serve a finished model by KServe's protocols v1 and v2, over REST and gRPC.

    Questions about texts for a model fine-tuned on SQuAD, sentences to label or to rank for one
    fine-tuned on those. A page to ask by hand is at /, health at /v2/health/ready, metrics for
    Prometheus at /metrics.
    """

    model: str
    """Folder of a finished model (this project's, Google's, transformers' or an exported
    model.onnx), or a model store: a folder, gs:// or s3:// URL."""
    model_version: str = ""
    """Version of the model store to serve. Empty follows the one in use: a new release is loaded
    beside the old one and takes over when it is ready."""
    model_name: str = "bert"
    """Name of the model in the protocols' addresses: /v1/models/bert:predict."""
    http_port: int = 8080
    """Port for REST and the page."""
    grpc_port: int = 8081
    """Port for gRPC; 0 turns it off."""

    engine: Rare[Literal["auto", "openvino", "tensorflow"]] = "auto"
    """Library that runs the model. auto is TensorFlow where it finds a GPU, else OpenVINO."""
    precision: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"
    """Arithmetic precision. On CPUs auto is int8 where the model has an int8 graph and the CPU has
    VNNI or AMX, else bfloat16 where the CPU computes it faster, else float32. On GPUs auto is
    bfloat16, and float16 before A100."""
    num_answers: int = 3
    """Number of best answers to give where a request does not say (top_k)."""
    no_answer: bool = False
    """Whether "no answer" is allowed where a request does not say; models fine-tuned on SQuAD 2.0
    have learned it."""
    max_sentence_tokens: Rare[int] = 128
    """Maximum tokens of a sentence or pair to label or rank; the longer sentence of a pair is
    truncated first."""

    max_batch: int = 8
    """Maximum windows or sentences to compute at once."""
    max_wait_ms: float = 2.0
    """Milliseconds that a window may wait for others of its length."""
    max_queue: int = 1024
    """Maximum windows or sentences in the queue; requests beyond it get status 429."""
    max_request_bytes: int = 4194304
    """Maximum size of a request."""
    timeout_seconds: float = 60.0
    """Maximum time for a request."""
    grace_seconds: int = 30
    """Time to finish requests after a SIGTERM."""
    poll_seconds: Rare[float] = 30.0
    """Time between checks for a new release."""
    num_streams: Rare[int] = 1
    """Batches to compute on the CPU at the same time; several keep many cores busier. A GPU
    computes one."""

    def __post_init__(self) -> None:
        SpanConfig.__post_init__(self)
        expect_choices(self)
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} must be {least} or more, got {getattr(self, name)}")
        for name in ("http_port", "grpc_port"):
            if getattr(self, name) > _LAST_PORT:
                raise InputError(f"{name} must be {_LAST_PORT} or less, got {getattr(self, name)}")
        if self.http_port == self.grpc_port:
            raise InputError(f"http_port and grpc_port must differ, got {self.http_port} for both")
        if not self.model_name.replace("-", "").replace("_", "").isalnum():
            raise InputError(
                f"model_name must be of letters, digits, - and _, got {self.model_name!r}"
            )
        if self.num_answers > self.n_best_size:
            raise InputError(
                f"num_answers {self.num_answers} is more than n_best_size {self.n_best_size}"
            )
