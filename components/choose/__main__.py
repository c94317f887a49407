"""Command line of the choosing stage: python -m components.choose --help."""

from components.choose.config import ChooseClassificationConfig, ChooseConfig
from components.choose.run import run, run_classification
from components.shared.stage.start import main

if __name__ == "__main__":
    main(
        ChooseConfig,
        run,
        commands={"classification": (ChooseClassificationConfig, run_classification)},
    )
