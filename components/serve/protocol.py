"""The model as KServe's server calls it, over protocols v1 and v2."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import kserve
import numpy as np
from kserve.protocol.infer_type import InferInput

from components.serve.config import ServeConfig
from components.serve.releases import Releases
from components.serve.request_errors import RequestError, TooSlowError
from components.serve.served import Served
from components.serve.tasks.instances import expect_known, expect_object
from components.serve.tasks.task_protocol import Prediction
from components.shared.errors import InputError
from components.shared.files.documents import describe

_V1_FIELDS = ("instances", "parameters")
# Of protocol v2 alone: KServe's own.
_V2_PARAMETERS = ("binary_data_output",)
# What is said of a sentence by numbers alone.
_NUMBERS = {"index": np.int64, "rank": np.int64, "score": np.float64}


class BertModel(kserve.Model):
    """The release in use, replaced by the next one when that is ready."""

    def __init__(self, config: ServeConfig, releases: Releases, served: Served) -> None:
        super().__init__(config.model_name)
        self._config, self._releases, self._served = config, releases, served
        self.ready = True
        # KServe runs start_engine beside its servers, and waits for its end.
        self.engine = True
        self._stopping = asyncio.Event()

    @property
    def version(self) -> str:
        """The version of the release in use; "" for a folder."""
        return self._served.version

    @property
    def task(self) -> str:
        """The name of what the release in use does."""
        return self._served.task.name

    async def predict(
        self,
        payload: Any,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 - KServe's signature
        response_headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> Any:
        """Answer a request of either protocol.

        Raises:
            RequestError: if it is invalid, too large or takes too long.
        """
        is_v2 = isinstance(payload, kserve.InferRequest)
        fields = self._served.task.fields
        instances, parameters = _read_v2(payload, fields) if is_v2 else _read_v1(payload)
        if not instances:
            raise RequestError("instances: none; give one or more")
        served = self._served  # of this request until its end
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                predictions = await served.predict(instances, parameters)
        except TimeoutError:
            raise TooSlowError(
                f"not answered within {self._config.timeout_seconds:g} seconds; send less at once, "
                "or raise the server's timeout_seconds"
            ) from None
        return self._compose_v2(payload, predictions) if is_v2 else {"predictions": predictions}

    async def start_engine(self) -> None:
        """Follow the model store until the server ends."""
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), self._config.poll_seconds)
            except TimeoutError:
                if self._releases.changes:
                    await self._follow()
        await self._served.retire()

    def stop_engine(self) -> None:
        """End when all requests are answered."""
        self._stopping.set()

    async def _follow(self) -> None:
        """Load the release in use beside the old one, which answers until that is ready."""
        try:
            version = await asyncio.to_thread(self._releases.find_current)
            if version == self.version:
                return
            served = await asyncio.to_thread(self._releases.load, version)
        except InputError as error:
            print(f"serve: {error}; {self.version} stays in use", flush=True)
            return
        old, self._served = self._served, served
        print(f"serve: {version} takes over from {old.version}", flush=True)
        await old.retire()

    def get_input_types(self) -> list[dict[str, Any]]:
        """The inputs over protocol v2."""
        return [
            {"name": name, "datatype": "BYTES", "shape": [-1]} for name in self._served.task.fields
        ]

    def _compose_v2(
        self, request: kserve.InferRequest, predictions: Sequence[Prediction]
    ) -> kserve.InferResponse:
        outputs = []
        for name, array in _to_arrays(predictions).items():
            kind = {"O": "BYTES", "i": "INT64", "f": "FP64"}[array.dtype.kind]
            output = kserve.InferOutput(name=name, shape=list(array.shape), datatype=kind)
            output.set_data_from_numpy(array, binary_data=bool(request.use_binary_outputs))
            outputs.append(output)
        return kserve.InferResponse(
            response_id=request.id or uuid.uuid4().hex,
            model_name=self.name,
            model_version=self.version or None,
            infer_outputs=outputs,
        )


def _read_v1(payload: Any) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The instances and parameters of a v1 request."""
    if isinstance(payload, bytes):
        raise RequestError("the request is not JSON by its content-type; send application/json")
    fields = expect_object(payload, "the request")
    expect_known(fields, _V1_FIELDS, "the request")
    instances = fields.get("instances")
    if not isinstance(instances, list):
        raise RequestError(f"instances: expected a list, got {describe(instances)}")
    return instances, expect_object(fields.get("parameters", {}), "parameters")


def _read_v2(
    request: kserve.InferRequest, names: Sequence[str]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The instances and parameters of a v2 request; an input of one text is for all."""
    name_to_texts = {one.name: _read_texts(one) for one in request.inputs}
    expect_known(name_to_texts, tuple(names), "inputs")
    count = max(map(len, name_to_texts.values()), default=0)
    for name, texts in name_to_texts.items():
        if len(texts) not in (1, count):
            raise RequestError(f"inputs.{name}: {len(texts)} texts, expected 1 or {count}")
    instances = [
        {name: texts[number % len(texts)] for name, texts in name_to_texts.items()}
        for number in range(count)
    ]
    parameters = dict(request.parameters or {})
    if request.from_grpc:
        parameters = {
            name: getattr(value, value.WhichOneof("parameter_choice"))
            for name, value in parameters.items()
        }
    return instances, {
        name: value for name, value in parameters.items() if name not in _V2_PARAMETERS
    }


def _read_texts(given: InferInput) -> list[str]:
    if given.datatype != "BYTES":
        raise RequestError(f"inputs.{given.name}: expected datatype BYTES, got {given.datatype}")
    try:
        values = np.ravel(given.as_numpy()).tolist()
        return [value.decode() if isinstance(value, bytes) else str(value) for value in values]
    except UnicodeDecodeError:
        raise RequestError(f"inputs.{given.name}: not UTF-8") from None
    except ValueError:
        raise RequestError(
            f"inputs.{given.name}: the data are not of the shape {list(given.shape)}"
        ) from None


def _to_arrays(predictions: Sequence[Prediction]) -> dict[str, np.ndarray]:
    """The predictions as tensors: answers [N, K], filled up where there are fewer; others [N]."""
    if predictions[0].keys() <= _NUMBERS.keys():
        return {
            name: np.array([one[name] for one in predictions], _NUMBERS[name])
            for name in predictions[0]
        }
    if "label" in predictions[0]:
        return {
            "label": np.array([one["label"] for one in predictions], object),
            "probabilities": np.array([list(one["probabilities"].values()) for one in predictions]),
        }
    most = max(len(one["answers"]) for one in predictions)
    missing = {"answer": "", "start": None, "end": None, "probability": 0.0}
    rows = [one["answers"] + [missing] * (most - len(one["answers"])) for one in predictions]

    def collect(name: str, kind: Any, nothing: Any = None) -> np.ndarray:
        values = [[nothing if one[name] is None else one[name] for one in row] for row in rows]
        return np.array(values, kind)

    arrays = {
        "answer": collect("answer", object),
        "start": collect("start", np.int64, -1),
        "end": collect("end", np.int64, -1),
        "probability": collect("probability", np.float64),
    }
    if "no_answer_probability" in predictions[0]:
        values = [one["no_answer_probability"] for one in predictions]
        arrays["no_answer_probability"] = np.array(values, np.float64)
    return arrays
