"""Computes a model with TensorFlow: on each GPU, or on the CPU of a machine without GPUs."""

import queue
from collections.abc import Callable, Mapping
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import ClassifierModel, Model, SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, restore

MakeModel = Callable[[BertConfig], Model]
# Any batch and any length: traced once, not for each shape on each device.
_IDS = tf.TensorSpec([None, None], tf.int32)
_SIGNATURE = {"token_ids": _IDS, "segment_ids": _IDS}


def list_devices() -> list[tf.config.LogicalDevice]:
    """Return what TensorFlow predicts on: the GPUs, or the CPU of a machine without GPUs."""
    return tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")


def architecture_of(checkpoint: Checkpoint, *, num_labels: int | None) -> MakeModel:
    """Return the function that makes a checkpoint's model.

    Args:
        checkpoint: where its weights are.
        num_labels: of a classifier; None for a model that answers questions.
    """
    if num_labels is None:
        return partial(SpanModel, seed=0, has_pooler=checkpoint.has_pooler)
    return partial(ClassifierModel, num_labels=num_labels, seed=0)


def load_models(
    checkpoint: Checkpoint, make_model: MakeModel, *, precision: str
) -> list["TensorFlowModel"]:
    """Load a model on each of `list_devices`.

    Args:
        checkpoint: where its weights are.
        make_model: builds its architecture.
        precision: of its arithmetic: Keras's float32, mixed_float16 or mixed_bfloat16.

    Raises:
        InputError: if the checkpoint is of another architecture or task.
    """
    keras.config.set_dtype_policy(precision)
    models: list[TensorFlowModel] = []
    for device in list_devices():
        with tf.device(device.name):
            model = make_model(checkpoint.config)
            model.build()
            if models:
                _copy(models[0].model, model)
            else:
                restore(checkpoint.folder, named_variables(model))
        models.append(TensorFlowModel(model, device.name))
    return models


class TensorFlowModel:
    """A model on one device of TensorFlow's."""

    def __init__(self, model: Model, device: str) -> None:
        """Trace it, in this thread: Keras is not made to be traced in several."""
        self.model, self._device = model, device

        @tf.function(input_signature=[_SIGNATURE])
        def predict(arrays: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
            return tf.nest.flatten(model(arrays, training=False))

        with tf.device(device):
            predict.get_concrete_function()
        self.predict = predict

    def __call__(self, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Compute a batch: int32 [B, L] token_ids and segment_ids, 0 in padding.

        Returns:
            float32 start and end logits [B, L], or logits [B, C].
        """
        with tf.device(self._device):
            return [output.numpy() for output in self.predict(dict(arrays))]


class TensorFlowEngine:
    """A model on all devices; several threads may run it, each on a device of its own."""

    def __init__(self, models: list[TensorFlowModel]) -> None:
        """Take the models of `load_models`."""
        self._idle: queue.SimpleQueue[TensorFlowModel] = queue.SimpleQueue()
        for model in models:
            self._idle.put(model)

    def run(self, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Compute a batch on the device that is free first; see `TensorFlowModel`."""
        model = self._idle.get()
        try:
            return model(arrays)
        finally:
            self._idle.put(model)


def _copy(source: Model, target: Model) -> None:
    values = named_variables(source)
    for name, variable in named_variables(target).items():
        variable.assign(values[name].value)
