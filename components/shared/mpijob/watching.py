"""Follows objects of the Kubernetes API by list and watch, past cuts and forgotten versions."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from kubernetes import watch
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from components.shared.mpijob.kubernetes_api import is_gone, is_passing, raise_if_forbidden

# The server ends a watch after that; a connection that died unnoticed is missed by then too.
_WATCH_SECONDS, _READ_SECONDS = 60, 75.0
_MOST_SECONDS_APART = 10.0

# A kind of object and all that are there by name, or the error that ended the watch.
News = tuple[str, dict[str, dict[str, Any]] | Exception]


def follow(
    kind: str,
    list_function: Callable[..., Any],
    namespace: str,
    *,
    news: "queue.Queue[News]",
    ended: threading.Event,
) -> None:
    """Put all objects into the queue at first and after each change, from a thread.

    Args:
        kind: names them in the queue; and in what a missing right is called.
        list_function: lists them, with `resource_version` and `watch` as the client has them.
        namespace: where they are.
        news: where they go; an exception is the last.
        ended: set by who needs no more of them.
    """

    def repeat() -> None:
        try:
            for objects in _changes(kind, list_function, namespace, ended):
                news.put((kind, objects))
        except Exception as error:
            news.put((kind, error))

    threading.Thread(target=repeat, name=f"watch-{kind}", daemon=True).start()


def _changes(
    kind: str, list_function: Callable[..., Any], namespace: str, ended: threading.Event
) -> Iterator[dict[str, dict[str, Any]]]:
    objects: dict[str, dict[str, Any]] = {}
    version, wait_seconds = "", 0.2
    while not ended.is_set():
        try:
            if not version:
                items, version = _list(list_function)
                objects = {item["metadata"]["name"]: item for item in items}
                yield dict(objects)
            stream = watch.Watch().stream(
                list_function,
                resource_version=version,
                timeout_seconds=_WATCH_SECONDS,
                _request_timeout=(10.0, _READ_SECONDS),
            )
            for event in stream:
                item = event["raw_object"]
                version, name = item["metadata"]["resourceVersion"], item["metadata"]["name"]
                if event["type"] == "DELETED":
                    objects.pop(name, None)
                else:
                    objects[name] = item
                yield dict(objects)
                wait_seconds = 0.2
            continue
        except ApiException as error:
            raise_if_forbidden(error, f"watch {kind}", namespace)
            if is_gone(error):
                version = ""
            elif not is_passing(error):
                raise
        except (HTTPError, ValueError):
            pass  # cut, perhaps within a line: on from the last version
        ended.wait(wait_seconds)
        wait_seconds = min(2 * wait_seconds, _MOST_SECONDS_APART)


def _list(list_function: Callable[..., Any]) -> tuple[list[dict[str, Any]], str]:
    response = list_function(_preload_content=False, _request_timeout=(10.0, _READ_SECONDS))
    listing = json.loads(response.data)
    return listing["items"], listing["metadata"]["resourceVersion"]
