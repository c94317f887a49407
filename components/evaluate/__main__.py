"""Command line of the evaluation stage: python -m components.evaluate --help."""

from components.evaluate.classification import run as classification
from components.evaluate.classification.config import EvaluateClassificationConfig
from components.evaluate.export import ExportConfig, export
from components.evaluate.int8.config import QuantizeConfig
from components.evaluate.int8.run import run as quantize
from components.evaluate.squad.ask import ask
from components.evaluate.squad.config import AskConfig, EvaluateConfig
from components.evaluate.squad.run import run
from components.evaluate.squad.score_file import ScoreFiles, score
from components.shared.stage.start import main

if __name__ == "__main__":
    main(
        EvaluateConfig,
        run,
        commands={
            "ask": (AskConfig, ask),
            "classification": (EvaluateClassificationConfig, classification.run),
            "export": (ExportConfig, export),
            "quantize": (QuantizeConfig, quantize),
            "score": (ScoreFiles, score),
        },
    )
