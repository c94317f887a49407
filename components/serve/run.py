"""Serves a model."""

from components.serve.config import ServeConfig


def run(config: ServeConfig) -> None:
    """Load the model and answer requests until a SIGTERM.

    Raises:
        InputError: if the model or the settings can't be used.
    """
    # Here: `--help` needs none of what they import.
    from components.serve.protocol import BertModel
    from components.serve.releases import Releases
    from components.serve.server import serve

    releases = Releases(config)
    served = releases.load(releases.find_current())
    serve(BertModel(config, releases, served), config)
