"""Command line of the pretraining stage: python -m components.pretrain --help."""

from components.pretrain.config import PretrainConfig
from components.pretrain.run import run
from components.shared.checkpoints.huggingface_export import ExportConfig, export
from components.shared.stage.start import main

# Horovod's processes are spawned and import this module again.
if __name__ == "__main__":
    main(PretrainConfig, run, commands={"export": (ExportConfig, export)})
