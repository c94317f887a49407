"""Command line of the fine-tuning stage: python -m components.finetune --help."""

from components.finetune.classification import run as classification
from components.finetune.classification.config import FinetuneClassificationConfig
from components.finetune.squad.config import FinetuneConfig
from components.finetune.squad.run import run
from components.shared.checkpoints.huggingface_export import ExportConfig, export
from components.shared.stage.start import main

# Horovod's processes are spawned and import this module again.
if __name__ == "__main__":
    main(
        FinetuneConfig,
        run,
        commands={
            "classification": (FinetuneClassificationConfig, classification.run),
            "export": (ExportConfig, export),
        },
    )
