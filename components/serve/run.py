"""Serves a model."""

from components.serve.config import ServeConfig
from components.serve.ports import expect_free


def run(config: ServeConfig) -> None:
    """Load the model and answer requests until a SIGTERM.

    Raises:
        InputError: if the model or the settings can't be used.
    """
    # Here: `--help` needs none of what they import.
    from components.serve.model_server import serve
    from components.serve.protocol import BertModel
    from components.serve.releases import Releases

    expect_free("http_port", config.http_port)
    expect_free("grpc_port", config.grpc_port)
    releases = Releases(config)
    served = releases.load(releases.find_current())
    serve(BertModel(config, releases, served), config)
