"""Command line of the notifying stage: python -m components.notify --help."""

from components.notify.config import NotifyConfig
from components.notify.run import run
from components.shared.stage.start import main

if __name__ == "__main__":
    main(NotifyConfig, run)
