"""Rejects requests over REST that are too large, before they are in memory."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.serve.request_errors import TooLargeError, respond

# A client reads the answer once all is sent: that much more than allowed is taken, and dropped.
_DROPPED_TIMES = 8


class BodyLimit:
    """Keeps no more of a request's body than is allowed."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or reject it by its announced or its true size."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error = TooLargeError(
            f"the request is larger than {self._max_bytes} bytes; send less, or raise the server's "
            "max_request_bytes"
        )
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._max_bytes:
            await self._drop(receive)
            await (await respond(None, error))(scope, receive, send)
            return
        num_bytes = 0

        async def receive_limited() -> Message:
            nonlocal num_bytes
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > self._max_bytes:
                if message.get("more_body"):
                    await self._drop(receive)
                raise error
            return message

        await self._app(scope, receive_limited, send)

    async def _drop(self, receive: Receive) -> None:
        left, more = _DROPPED_TIMES * self._max_bytes, True
        while more and left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            more = message.get("more_body", False)
