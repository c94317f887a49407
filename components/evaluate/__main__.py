"""Command line of the evaluation stage: python -m components.evaluate --help."""

from components.evaluate.config import EvaluateConfig
from components.evaluate.run import run
from components.shared.stage import main

if __name__ == "__main__":
    main(EvaluateConfig, run)
