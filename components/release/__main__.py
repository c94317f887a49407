"""Command line of the releasing stage: python -m components.release --help."""

from components.release.config import ReleaseClassificationConfig, ReleaseConfig
from components.release.run import run, run_classification
from components.shared.stage.start import main

if __name__ == "__main__":
    main(
        ReleaseConfig,
        run,
        commands={"classification": (ReleaseClassificationConfig, run_classification)},
    )
