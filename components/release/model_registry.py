"""Registers released versions in Kubeflow's Model Registry, by its REST API.

Not by its Python client (model-registry 0.3): that adds aiohttp and nest-asyncio to the image,
patches the event loop, waits five minutes for a silent server, refuses a version that it
registered in part, and each release of it speaks to servers of one API version only. What is
needed are a few requests, and requests is in the image already.
The API: https://github.com/kubeflow/hub/tree/main/api/openapi
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from components.release.config import StoreConfig
from components.shared.errors import InputError, find_root_cause
from components.shared.files.documents import decode_json
from components.shared.files.text import mask_addresses
from components.shared.model_store.store import ModelStore
from components.shared.model_store.verification import MODEL
from components.shared.parallel import run_within

_API = "/api/model_registry/"
# Of 2026, and what servers before it have; what is asked of them here is the same.
_VERSIONS = ("v1", "v1alpha3")
_TIMEOUT = (10.0, 30.0)  # seconds, to connect and from one byte to the next
_MOST_SECONDS = 120.0  # of it all: a server may send single bytes
_RETRIES = Retry(2, backoff_factor=0.5, status_forcelist=(502, 503, 504), raise_on_status=False)
_MOST_CHARACTERS = 300  # of a server's message
# Where the registry's own client looks for a token.
_FILE_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"
_SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
# What a header may hold.
_TOKEN = re.compile(rb"[!-~]+")
_OWNER = "kubeflow-bert"


@dataclass(frozen=True)
class Registration:
    """What became of a version in the registry."""

    is_registered: bool
    summary: str
    """A sentence on it."""


@dataclass(frozen=True)
class _Training:
    label: str
    inputs: str
    image: str = ""


@dataclass(frozen=True)
class _Described:
    """What is registered of a version's model.json."""

    task: str
    released: str
    code: str
    fingerprint: str
    data: dict[str, str] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    trainings: tuple[_Training, ...] = ()


@dataclass(frozen=True)
class _Resource:
    id: str


@dataclass(frozen=True)
class _Failure:
    message: str = ""


def register(config: StoreConfig, store: ModelStore, version: str) -> Registration:
    """Register a version that is in use; again, it changes nothing and adds what is missing.

    A registry that fails, or the store, whose model.json is read, costs a warning.
    """
    name = config.registered_model or Path(config.model_store).resolve().name
    try:
        run_within(_MOST_SECONDS, lambda: _register(config.model_registry, name, store, version))
    except InputError as error:
        reason = str(error)
    except TimeoutError:
        reason = f"it took more than {_MOST_SECONDS:.0f} s"
    except OSError as error:  # as are those of requests
        reason = find_root_cause(error)
    else:
        return Registration(True, f"registered as {name}, version {version}")
    return Registration(
        False,
        f"{version} is released, and not registered: {config.model_registry}: "
        f"{mask_addresses(' '.join(reason.split()))}; run this step again to register it",
    )


def _register(address: str, name: str, store: ModelStore, version: str) -> None:
    source = f"{store}, version {version}"
    description = decode_json(json.dumps(store.describe(version)), _Described, source=source)
    with requests.Session() as session:
        session.mount(address, HTTPAdapter(max_retries=_RETRIES))
        if token := _read_token():
            session.headers["Authorization"] = f"Bearer {token}"
        registry = _Registry(session, address.rstrip("/") + _API)
        registry.choose_version()
        model = registry.ensure(
            ("registered_model", {"name": name}),
            ("registered_models", {"name": name, "owner": _OWNER,
                                   "description": f"BERT for {description.task}"}),
        )  # fmt: skip
        made = registry.ensure(
            ("model_version", {"name": version, "parentResourceId": model}),
            ("model_versions", {"name": version, "registeredModelId": model, "author": _OWNER,
                                "customProperties": _list_properties(description)}),
        )  # fmt: skip
        registry.ensure(
            ("model_artifact", {"name": name, "parentResourceId": made}),
            (f"model_versions/{made}/artifacts",
             {"artifactType": "model-artifact", "name": name, "state": "LIVE",
              "uri": store.locate(version, MODEL), "modelFormatName": "tensorflow-checkpoint"}),
        )  # fmt: skip


class _Registry:
    """The requests to a registry."""

    def __init__(self, session: requests.Session, api: str) -> None:
        self._session, self._api, self._version = session, api, _VERSIONS[0]

    def choose_version(self) -> None:
        """Take the first version of the API that the server knows."""
        for self._version in _VERSIONS:
            status, _ = self._ask("GET", "registered_models", params={"pageSize": "1"})
            if status != HTTPStatus.NOT_FOUND:
                return

    def ensure(
        self, found: tuple[str, Mapping[str, str]], made: tuple[str, Mapping[str, Any]]
    ) -> str:
        """Return the id of a resource, which is created where it is missing.

        Args:
            found: the path that finds it, and the query.
            made: the path that creates it, and the fields.
        """
        status, answer = self._ask("GET", found[0], params=found[1])
        if status == HTTPStatus.NOT_FOUND:
            status, answer = self._ask("POST", made[0], json=made[1])
            if status == HTTPStatus.CONFLICT:  # another release has created it meanwhile
                status, answer = self._ask("GET", found[0], params=found[1])
        source = f"the answer to {found[0]}"
        if status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            raise InputError(f"it answers {status}{_explain(answer)}")
        return decode_json(answer, _Resource, source=source).id

    def _ask(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        response = self._session.request(
            method,
            f"{self._api}{self._version}/{path}",
            timeout=_TIMEOUT,
            allow_redirects=False,  # the token is for this server only
            **more,
        )
        return response.status_code, response.content


def _explain(answer: bytes) -> str:
    """Return a server's own words, if it has some."""
    try:
        message = decode_json(answer, _Failure, source="").message
    except InputError:
        return ""
    return f" ({message[:_MOST_CHARACTERS]})" if message else ""


def _read_token() -> str:
    """Return the token in the file for it; "" without such a file.

    Raises:
        InputError: if the file can't be read or holds something else, which is not shown.
    """
    given = os.environ.get(_FILE_VARIABLE)
    path = Path(given) if given else _SERVICE_ACCOUNT_TOKEN
    if not given and not path.exists():
        return ""
    try:
        token = path.read_bytes().strip()
    except OSError as error:
        raise InputError(f"its token in {path}: {str(error.strerror).lower()}") from None
    if not _TOKEN.fullmatch(token):
        raise InputError(f"its token in {path}: expected one word of ASCII")
    return token.decode("ascii")


def _list_properties(description: _Described) -> dict[str, Any]:
    """Return what the registry shows of a version: its scores, data, code and images."""
    texts = {
        "task": description.task,
        "released": description.released,
        "code": description.code,
        "checkpoint_sha256": description.fingerprint,
        **{f"{name}_sha256": checksum for name, checksum in description.data.items()},
    }
    for training in description.trainings:
        texts[f"{training.label}_data_sha256"] = training.inputs
        if training.image:
            texts[f"{training.label}_image"] = training.image
    return {
        name: {"metadataType": "MetadataStringValue", "string_value": text}
        for name, text in texts.items()
    } | {
        name: {"metadataType": "MetadataDoubleValue", "double_value": score}
        for name, score in description.scores.items()
    }
