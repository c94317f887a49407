"""Writes a checkpoint as Hugging Face's transformers loads it; free of TensorFlow until it runs."""

import json
from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError
from components.shared.files.atomic import give_usual_mode, whole_folder


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Write a checkpoint in Hugging Face's format."""

    checkpoint: Path
    """Checkpoint folder: this project's or one of Google's."""
    output: Path
    """Folder to write: config.json, model.safetensors, vocab.txt, tokenizer_config.json."""

    def __post_init__(self) -> None:
        if self.output.resolve() == self.checkpoint.resolve():
            raise InputError(f"output {self.output} is the checkpoint itself; give another folder")


def export(config: ExportConfig) -> None:
    """Write the folder, whole or not at all; one that was there is replaced.

    Raises:
        InputError: if the checkpoint is not whole, or the output is something else's folder.
    """
    from safetensors.numpy import save_file

    from components.shared.checkpoints import huggingface
    from components.shared.checkpoints.checkpoint import Checkpoint, is_training_state
    from components.shared.checkpoints.weights import open_weights

    checkpoint = Checkpoint.read(config.checkpoint)
    if config.output.exists() and not (config.output / huggingface.CONFIG).exists():
        raise InputError(
            f"{config.output}: exists already and is not an exported model; give another folder"
        )
    weights = open_weights(config.checkpoint)
    names = [name for name in weights.shapes if not is_training_state(name)]
    architecture = _architecture(names)
    if architecture == "BertForQuestionAnswering":
        # transformers gives it none; no answer depends on it.
        names = [name for name in names if not name.startswith("bert/pooler/")]
    tensors = dict(huggingface.to_huggingface(name, weights.read(name)) for name in names)
    texts = {
        huggingface.CONFIG: huggingface.config_fields(
            checkpoint.config, architecture=architecture, labels=checkpoint.labels
        ),
        "tokenizer_config.json": huggingface.tokenizer_fields(
            checkpoint.config, checkpoint.tokenization
        ),
    }
    with whole_folder(config.output) as scratch:
        # transformers asks for the framework that the layout is of.
        save_file(tensors, scratch / huggingface.WEIGHTS, metadata={"format": "pt"})
        give_usual_mode(scratch / huggingface.WEIGHTS)
        text = "".join(f"{piece}\n" for piece in checkpoint.vocabulary.pieces)
        (scratch / "vocab.txt").write_text(text, encoding="utf-8", newline="\n")
        for name, fields in texts.items():
            (scratch / name).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
    print(f"{config.output}: a {architecture} for transformers", flush=True)


def _architecture(names: list[str]) -> str:
    """The class of transformers for a model with these weights."""
    if "cls/squad/output_weights" in names:
        return "BertForQuestionAnswering"
    if "cls/seq_relationship/output_weights" in names:
        return "BertForPreTraining"
    if "cls/predictions/output_bias" in names:
        return "BertForMaskedLM"
    if "output_weights" in names:
        return "BertForSequenceClassification"
    return "BertModel"
