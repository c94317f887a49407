"""Command line of the server: python -m components.serve --help."""

from components.serve.config import ServeConfig
from components.serve.run import run
from components.shared.stage.start import main

if __name__ == "__main__":
    main(ServeConfig, run)
