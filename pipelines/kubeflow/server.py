"""A cluster's Kubeflow Pipelines: how it is reached, and what is registered there."""

import contextlib
import io
import json
import os
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp.client import Client
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials
from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from components.shared.errors import InputError

# kfp's own name for the first; the second has none.
HOST_VARIABLE = "KF_PIPELINES_ENDPOINT"
NAMESPACE_VARIABLE = "KF_PIPELINES_NAMESPACE"
_IAP = "KF_PIPELINES_IAP_OAUTH2_CLIENT_ID"
_NOT_SIGNED_IN = (401, 403)
_SIGN_IN = "sign in with --token-file, a file with a token that the server takes"
_PAGE_SIZE = 100
_TIMEOUT_SECONDS, _FETCH_SECONDS = 10, 60


@dataclass(frozen=True)
class Cluster:
    """An API server, and the namespace that runs are made in."""

    host: str
    client: Client
    namespace: str | None = None
    """None where Kubeflow Pipelines stands alone, with a single user."""
    token_file: Path | None = None
    version: str = ""
    """Of Kubeflow Pipelines, such as 2.17.0, as its UI says; "" at another address."""

    def headers(self) -> dict[str, str]:
        """What signs a request in that is not kfp's own."""
        return _authorization(self.token_file)

    def fetch(self, path: str) -> bytes:
        """Return what the server answers for a path that kfp's client has no call for.

        Raises:
            OSError: if it refuses (urllib.error.HTTPError) or doesn't answer.
        """
        request = urllib.request.Request(self.host + path, headers=self.headers())  # noqa: S310
        with urllib.request.urlopen(request, timeout=_FETCH_SECONDS) as answer:  # noqa: S310
            content: bytes = answer.read()
        return content

    def run_link(self, run_id: str) -> str:
        """Return the URL at which the UI shows a run."""
        return f"{self.host}/#/runs/details/{run_id}"


def connect(host: str, namespace: str | None = None, token_file: Path | None = None) -> Cluster:
    """Reach an API server.

    Raises:
        InputError: if it doesn't answer.
    """
    host = host.rstrip("/")
    if not host.startswith(("http://", "https://")):
        raise InputError(
            f"--host {host or 'is missing'}: must begin with http:// or https://; "
            f"${HOST_VARIABLE} is taken where it is not given"
        )
    if token_file is not None and not token_file.is_file():
        raise InputError(f"--token-file {token_file}: no such file")
    version = _probe(host, token_file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            client = Client(
                host=host,
                namespace=namespace or "kubeflow",
                credentials=token_file and ServiceAccountTokenVolumeCredentials(str(token_file)),
            )
        except (TimeoutError, ApiException) as error:
            raise _no_answer(host, error) from None
    return Cluster(host, client, namespace, token_file, version)


def _probe(host: str, token_file: Path | None) -> str:
    """Return the version that the UI says it has; "" from another address.

    The client would try for half a minute, with a traceback each time.
    """
    request = urllib.request.Request(  # noqa: S310 - connect checked the scheme
        f"{host}/apis/v2beta1/healthz", headers=_authorization(token_file)
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return _read_version(answer.read())
    except urllib.error.HTTPError as error:
        if error.code not in _NOT_SIGNED_IN:
            raise _no_answer(host, error) from None
        # kfp's client has other ways to sign in: a cookie in a file of its own, Google's IAP.
        if token_file or not any((Path(Client._LOCAL_KFP_CONTEXT).exists(), _IAP in os.environ)):
            raise InputError(
                f"{host}: the server answers {error.code} {error.reason}: "
                f"{_message(error.read())}; {_SIGN_IN}"
            ) from None
    except (OSError, ValueError) as error:
        raise _no_answer(host, error) from None
    return ""


def _read_version(health: bytes) -> str:
    """What the UI's server adds to the API server's health, which has no version."""
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(health).get("frontendTagName", ""))
    return ""


def _authorization(token_file: Path | None) -> dict[str, str]:
    if token_file is None:
        return {}
    return {"Authorization": f"Bearer {token_file.read_text('utf-8').strip()}"}


def _no_answer(host: str, error: Exception) -> InputError:
    return InputError(
        f"{host}: no answer of a Kubeflow Pipelines API server ({error}); give its address with "
        "--host, such as http://localhost:8080 after `kubectl port-forward --namespace kubeflow "
        "service/ml-pipeline-ui 8080:80`"
    )


@contextlib.contextmanager
def server_errors(cluster: Cluster, remedy: str) -> Iterator[None]:
    """Raise what the server refuses, or its silence, as an InputError."""
    try:
        yield
    except ApiException as error:
        # Where Kubeflow has several users, its API server answers its health to anybody.
        is_unknown = error.status == 401 and cluster.token_file is None
        raise InputError(
            f"{cluster.host}: the server answers {error.status} {error.reason}: "
            f"{_message(error.body)}; {_SIGN_IN if is_unknown else remedy}"
        ) from None
    except HTTPError as error:
        raise InputError(f"{cluster.host}: {error}; {remedy}") from None


def _message(body: str | bytes | None) -> str:
    """Return the server's words out of its JSON.

    KFP's own message is the chain of all functions that passed an error on, with the error's
    words several times; its details begin with the words alone.
    """
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    try:
        document = json.loads(text)
        details = document.get("details") or [{}]
        said = details[0].get("message") or document.get("message") or document.get("error")
        return str(said or text)
    except (ValueError, AttributeError):
        return text


def quietly(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call kfp's client without the links that it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return call(*arguments, **keywords)


def fetch_all(fetch: Callable[[str], Any], items: str) -> Iterator[Any]:
    """Everything that a call lists, page by page; it is given the page's token."""
    token = ""
    while True:
        page = fetch(token)
        yield from getattr(page, items) or ()
        token = page.next_page_token
        if not token:
            return


def find_pipeline(cluster: Cluster, name: str, *, or_shared: bool = True) -> Any | None:
    """The pipeline of a name: the namespace's own, else one that all share; None if neither."""
    namespaces = (cluster.namespace, None) if or_shared else (cluster.namespace,)
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    for namespace in dict.fromkeys(namespaces):
        page = cluster.client.list_pipelines(
            filter=json.dumps({"predicates": [predicate]}), namespace=namespace
        )
        if page.pipelines:
            return page.pipelines[0]
    return None


def list_versions(cluster: Cluster, pipeline_id: str) -> Iterator[Any]:
    """A pipeline's versions, the newest first."""
    return fetch_all(
        lambda token: cluster.client.list_pipeline_versions(
            pipeline_id, page_token=token, page_size=_PAGE_SIZE, sort_by="created_at desc"
        ),
        "pipeline_versions",
    )


def find_experiment(cluster: Cluster, name: str) -> str:
    """The id of the experiment of a name, which is made if there is none."""
    experiment = quietly(cluster.client.create_experiment, name, namespace=cluster.namespace)
    return experiment.experiment_id
