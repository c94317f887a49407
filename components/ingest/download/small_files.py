"""Small answers of a server, such as listings: read whole, within bounds of size and time."""

from collections.abc import Mapping
from dataclasses import dataclass

import requests

from components.shared.errors import InputError
from components.shared.parallel import run_within

# No setting: the dumpstatus.json of enwiki has 1 MB, a page of a bucket's listing less.
MAX_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 16
# Of the timeout, which counts from one byte to the next: a slow server may send single ones.
_MAX_TIMEOUTS = 10


@dataclass(frozen=True)
class SmallFile:
    """What a server answered."""

    status: int
    content: bytes


def read_small_file(
    session: requests.Session,
    url: str,
    *,
    label: str,
    timeout_seconds: float,
    params: Mapping[str, str] | None = None,
) -> SmallFile:
    """Ask for a small file.

    Raises:
        InputError: if it is not small.
        requests.RequestException: if the server can't be reached, or is too slow.
    """

    def read() -> SmallFile:
        with session.get(url, params=params, stream=True, timeout=timeout_seconds) as response:
            content = bytearray()
            for chunk in response.iter_content(_CHUNK_BYTES):
                content += chunk
                if len(content) > MAX_BYTES:
                    raise InputError(
                        f"{label}: the answer has more than {MAX_BYTES} bytes, too many for a "
                        "list; check the address, and whether a proxy answers in its place"
                    )
            return SmallFile(response.status_code, bytes(content))

    most_seconds = _MAX_TIMEOUTS * timeout_seconds
    try:
        return run_within(most_seconds, read)
    except TimeoutError:
        raise requests.ReadTimeout(
            f"no whole answer came in {_MAX_TIMEOUTS} times timeout_seconds ({timeout_seconds:g})"
        ) from None
