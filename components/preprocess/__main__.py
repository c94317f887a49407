"""`python -m components.preprocess`: the stage from a command line or from Kubeflow."""

from components.preprocess.config import PreprocessConfig
from components.preprocess.run import run
from components.shared.stage.start import main

if __name__ == "__main__":
    main(PreprocessConfig, run)
