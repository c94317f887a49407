"""Writes random weights, in the environment of images/finetune.

python -m tests.benchmarks.finetuning.random_weights VOCABULARY FOLDER [PRESET]
"""

import sys
from pathlib import Path

import keras

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import PretrainingModel
from components.shared.checkpoints.checkpoint import write_checkpoint
from components.shared.tokens.tokenization import Tokenization
from components.shared.tokens.vocabulary import Vocabulary


def main(vocabulary: str, folder: str, preset: str = "mini") -> None:
    """Write it."""
    size = len(Vocabulary.read(Path(vocabulary)).pieces)
    keras.utils.set_random_seed(1)
    model = PretrainingModel(BertConfig.preset(preset, vocab_size=size), seed=1)
    model.build()
    write_checkpoint(
        Path(folder),
        model=model,
        vocabulary=Path(vocabulary),
        tokenization=Tokenization(lowercase=True),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
