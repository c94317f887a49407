"""A fine-tuned model as a SavedModel, for TensorFlow Serving and Triton."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from components.shared.files import expect_place, expect_replaceable, whole_folder

_FILE = "saved_model.pb"


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Write a fine-tuned model as a SavedModel, which loads without this project's code.

    Its signature serving_default takes int32 [batch, length] token_ids and segment_ids (0 in
    padding) and gives float32 [batch, length] start_logits and end_logits; of a classifier
    float32 [batch, labels] logits, in the order of assets.extra/labels.json.
    """

    checkpoint: Path
    """Checkpoint folder of the fine-tuned model."""
    output: Path
    """Folder to write; Serving expects it to be named by a version, such as models/bert/1."""


def export(config: ExportConfig) -> None:
    """Write the folder, whole or not at all; an exported model that was there is replaced.

    Raises:
        InputError: if the checkpoint is not whole, or the output is something else's folder.
    """
    expect_place(config.output, is_folder=True)
    expect_replaceable(config.output, _FILE)
    import tensorflow as tf

    from components.shared.bert.fusion import without_fusion
    from components.shared.bert.heads import ClassifierModel, SpanModel
    from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, restore

    checkpoint = Checkpoint.read(config.checkpoint)
    labels = checkpoint.labels
    model: ClassifierModel | SpanModel = (
        SpanModel(checkpoint.config, seed=0, has_pooler=checkpoint.has_pooler)
        if labels is None
        else ClassifierModel(checkpoint.config, num_labels=len(labels), seed=0)
    )
    model.build()
    restore(checkpoint.folder, named_variables(model))
    ids = tf.TensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[ids, ids], autograph=False)
    def serve(token_ids: tf.Tensor, segment_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = model({"token_ids": token_ids, "segment_ids": segment_ids}, training=False)
        if labels is not None:
            return {"logits": outputs}
        start_BL, end_BL = outputs
        return {"start_logits": start_BL, "end_logits": end_BL}

    module = tf.Module()
    module.variables_ = [variable.value for variable in model.variables]
    module.serve = serve
    # Operations that every server and converter has: none that XLA is to compile.
    with without_fusion(), whole_folder(config.output) as scratch:
        tf.saved_model.save(module, str(scratch), signatures={"serving_default": serve})
        # What a client needs to make ids of words.
        assets = scratch / "assets.extra"
        assets.mkdir(exist_ok=True)
        shutil.copyfile(checkpoint.folder / "vocab.txt", assets / "vocab.txt")
        settings = json.dumps(checkpoint.tokenization.fields()) + "\n"
        (assets / "tokenizer_config.json").write_text(settings, encoding="utf-8")
        if labels is not None:
            text = json.dumps(labels, ensure_ascii=False) + "\n"
            (assets / "labels.json").write_text(text, encoding="utf-8")
    print(f"{config.output}: a SavedModel with the signature serving_default", flush=True)
