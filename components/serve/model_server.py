"""KServe's server with this project's limits, errors and page."""

import logging
from pathlib import Path

import kserve
from kserve.errors import InvalidInput, ModelNotFound
from starlette.responses import HTMLResponse

from components.serve.body_limit import BodyLimit
from components.serve.config import ServeConfig
from components.serve.protocol import BertModel
from components.serve.request_errors import RequestError, respond

_PAGE = Path(__file__).with_name("page.html")
# The page has its own styles and code within it, and loads nothing.
_PAGE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
}


class _WithoutTraces(logging.Filter):
    """Shortens what KServe logs of invalid requests: a client's fault has no stack to show."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, InvalidInput | ModelNotFound | NotImplementedError):
            record.msg, record.args, record.exc_info = f"request rejected: {error}", (), None
        return True


class _Repository(kserve.ModelRepository):
    """The one model; clients can't unload it, which KServe's protocol has a request for."""

    is_closing = False

    def unload(self, name: str) -> None:
        if not self.is_closing:
            raise NotImplementedError("models are released in the model store, not over the server")
        super().unload(name)


class _Server(kserve.ModelServer):
    def stop(self, sig: int) -> None:
        """End when all requests are answered; called after a SIGTERM."""
        self.registered_models.is_closing = True
        super().stop(sig)


def serve(model: BertModel, config: ServeConfig) -> None:
    """Serve a model until a SIGTERM."""
    # KServe's module reads the command line for defaults of its own: there are no others here.
    from kserve import model_server

    model_server.args.grpc_max_receive_message_length = config.max_request_bytes
    app = model_server.app
    page = _PAGE.read_text("utf-8").replace("{{model_name}}", config.model_name)
    app.add_api_route(
        "/",
        # A model store's next release may be of another task.
        lambda: HTMLResponse(page.replace("{{task}}", model.task), headers=_PAGE_HEADERS),
        methods=["GET"],
        include_in_schema=False,
    )
    app.add_middleware(BodyLimit, max_bytes=config.max_request_bytes)
    app.add_exception_handler(RequestError, respond)
    server = _Server(
        http_port=config.http_port,
        grpc_port=config.grpc_port,
        enable_grpc=config.grpc_port > 0,
        registered_models=_Repository(),
        enable_latency_logging=False,
        grace_period=config.grace_seconds,
    )
    logging.getLogger("kserve").addFilter(_WithoutTraces())
    logging.getLogger("kserve.trace").setLevel(logging.WARNING)  # two lines for each request
    server.start([model])
