"""The conditions of writes that the stores' emulators leave out.

moto compares ETags; Google's emulator knows no generations in requests.
"""

import http.client
import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

_CONDITION = "ifGenerationMatch"
_NAME = re.compile(rb'"name": *("(?:[^"\\]|\\.)*")')


def has_condition(path: str, headers: Mapping[str, str]) -> bool:
    """Whether a request asks for a comparison before it writes."""
    return _CONDITION in path or "If-Match" in headers or "If-None-Match" in headers


def is_met(target: str, path: str, body: bytes) -> bool:
    """Whether an upload to Google's emulator fits the generation there; 0 means that there is none.

    Args:
        target: host and port of the emulator.
        path: the upload's path with its query, which may hold the condition.
        body: of the upload, which holds the object's name.
    """
    query = parse_qs(urlsplit(path).query)
    if _CONDITION not in query:
        return True
    named = _NAME.search(body)
    name = json.loads(named[1]) if named else query["name"][0]
    bucket = re.search("/b/([^/]+)/o", path)
    assert bucket
    connection = http.client.HTTPConnection(target, timeout=30)
    connection.request("GET", f"/storage/v1/b/{bucket[1]}/o/{quote(name, safe='')}")
    response = connection.getresponse()
    content = response.read()
    connection.close()
    generation = json.loads(content)["generation"] if response.status == 200 else "0"
    return query[_CONDITION] == [generation]
