"""What the server says of requests that it does not answer, alike over REST and gRPC."""

from http import HTTPStatus

from grpc import StatusCode
from grpc_interceptor.exceptions import GrpcException
from starlette.requests import Request
from starlette.responses import JSONResponse


class RequestError(GrpcException):
    """A request is not answered: its sender learns why.

    KServe's gRPC server knows the class it derives from; over REST `respond` answers.
    """

    http_status = HTTPStatus.BAD_REQUEST
    status_code = StatusCode.INVALID_ARGUMENT

    def __init__(self, message: str) -> None:
        super().__init__(details=message)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {}


class TooLargeError(RequestError):
    """The request is larger than the server takes."""

    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class BusyError(RequestError):
    """So much is waiting that the request would wait for too long."""

    http_status = HTTPStatus.TOO_MANY_REQUESTS
    status_code = StatusCode.RESOURCE_EXHAUSTED

    def __init__(self, message: str, *, retry_seconds: int) -> None:
        super().__init__(message)
        self._retry_seconds = retry_seconds

    @property
    def headers(self) -> dict[str, str]:
        """With the time after which to ask again."""
        return {"retry-after": str(self._retry_seconds)}


class TooSlowError(RequestError):
    """The request took longer than it may."""

    http_status = HTTPStatus.GATEWAY_TIMEOUT
    status_code = StatusCode.DEADLINE_EXCEEDED


async def respond(_: Request | None, error: Exception) -> JSONResponse:
    """Answer a request over REST with what is wrong."""
    assert isinstance(error, RequestError)
    return JSONResponse({"error": error.details}, error.http_status, error.headers)
