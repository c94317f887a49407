"""A fine-tuned model as a SavedModel, for TensorFlow Serving and Triton."""

from pathlib import Path

import tensorflow as tf

from components.shared.bert.fusion import without_fusion
from components.shared.bert.heads import ClassifierModel, SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, restore


def write_saved_model(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a SavedModel into a folder; see `ExportConfig` for its signature.

    Raises:
        InputError: if the checkpoint is of another architecture or task.
    """
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
    with without_fusion():
        tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})
