"""What stands on top of BERT's encoder: pretraining's two predictions, answer spans, labels.

Shape suffixes as in model.py; M masked positions gathered, V word pieces, C labels.
"""

from typing import Any

import keras
from keras import ops

from components.shared.bert.config import BertConfig
from components.shared.bert.elementwise import NAME_TO_ACTIVATION
from components.shared.bert.model import BertEncoder, Dropout, LayerNorm, dense, initializer


class PretrainingModel(keras.Model):
    """BERT with masked language modeling and next-sentence prediction."""

    def __init__(self, config: BertConfig, *, seed: int) -> None:
        super().__init__(name="pretraining")
        self.bert = BertEncoder(config, seed=seed)
        self.transform = dense(config, config.hidden_size, "transform")
        self.transform_norm = LayerNorm("transform_LayerNorm", config.layer_norm_eps)
        self._activate = NAME_TO_ACTIVATION[config.hidden_act]

    def build(self, _input_shape: Any = None) -> None:
        """Create all variables."""
        config = self.bert.config
        self.bert.build()
        self.transform.build((None, config.hidden_size))
        self.transform_norm.build((None, config.hidden_size))
        self.output_bias = self.add_weight(
            shape=(config.vocab_size,), initializer="zeros", name="output_bias"
        )
        self.next_sentence_weights = self.add_weight(
            shape=(2, config.hidden_size),
            initializer=initializer(config),
            name="next_sentence_weights",
        )
        self.next_sentence_bias = self.add_weight(
            shape=(2,), initializer="zeros", name="next_sentence_bias"
        )
        self.built = True

    def call(self, batch: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Predict masked word pieces and whether B follows A.

        Args:
            batch: `token_ids`, `segment_ids`, `position_ids` and `sequence_ids` [B, L],
                `masked_positions` [B, P] and `cls_positions` [B, K].
            training: whether dropout is on.

        Returns:
            float32 logits [B*P, V] of the masked positions and [B*K, 2] of the sequences.
        """
        hidden_BLD = self.bert(
            batch["token_ids"],
            batch["segment_ids"],
            batch["position_ids"],
            batch["sequence_ids"],
            training=training,
        )
        # Only masked positions meet the vocabulary matrix: 15% of the rows of that product.
        masked_MD = _gather(hidden_BLD, batch["masked_positions"])
        cls_KD = _gather(hidden_BLD, batch["cls_positions"])
        return self._predict_pieces(masked_MD), self._predict_next(cls_KD)

    def _predict_pieces(self, masked_MD: Any) -> Any:
        transformed_MD = self.transform_norm(self._activate(self.transform(masked_MD)))
        table_VD = ops.cast(self.bert.embeddings.word_embeddings, transformed_MD.dtype)
        logits_MV = ops.matmul(transformed_MD, ops.transpose(table_VD))
        return ops.cast(logits_MV, "float32") + ops.cast(self.output_bias, "float32")

    def _predict_next(self, cls_KD: Any) -> Any:
        pooled_KD = ops.cast(self.bert.pool(cls_KD), "float32")
        weights_D2 = ops.cast(ops.transpose(self.next_sentence_weights), "float32")
        return ops.matmul(pooled_KD, weights_D2) + ops.cast(self.next_sentence_bias, "float32")


class SpanModel(keras.Model):
    """BERT that points at the first and the last word piece of an answer."""

    def __init__(self, config: BertConfig, *, seed: int, has_pooler: bool = True) -> None:
        super().__init__(name="span")
        self.bert = BertEncoder(config, seed=seed, has_pooler=has_pooler)
        # No answer depends on it; kept for a classifier that starts from the checkpoint.
        if self.bert.pooler is not None:
            self.bert.pooler.trainable = False

    def build(self, _input_shape: Any = None) -> None:
        """Create all variables."""
        config = self.bert.config
        self.bert.build()
        self.output_weights = self.add_weight(
            shape=(2, config.hidden_size),
            initializer=initializer(config),
            name="output_weights",
        )
        self.output_bias = self.add_weight(shape=(2,), initializer="zeros", name="output_bias")
        self.built = True

    def call(self, batch: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Score each position as the start and as the end of the answer.

        Args:
            batch: token_ids, segment_ids int32 [B, L]; id 0 is padding.
            training: whether dropout is on.

        Returns:
            float32 start logits [B, L] and end logits [B, L].
        """
        hidden_BLD = _encode(self.bert, batch, training=training)
        weights_D2 = ops.cast(ops.transpose(self.output_weights), "float32")
        bias_2 = ops.cast(self.output_bias, "float32")
        logits_BL2 = ops.matmul(ops.cast(hidden_BLD, "float32"), weights_D2) + bias_2
        return logits_BL2[..., 0], logits_BL2[..., 1]


class ClassifierModel(keras.Model):
    """BERT that says which label a sentence, or a pair of them, has; of one label, its number."""

    def __init__(self, config: BertConfig, *, num_labels: int, seed: int) -> None:
        super().__init__(name="classifier")
        self.bert = BertEncoder(config, seed=seed)
        self.num_labels = num_labels
        rate = config.classifier_dropout
        self._dropout = Dropout(
            config.hidden_dropout_prob if rate is None else rate, self.bert.seed_generator
        )

    def build(self, _input_shape: Any = None) -> None:
        """Create all variables."""
        config = self.bert.config
        self.bert.build()
        self.output_weights = self.add_weight(
            shape=(self.num_labels, config.hidden_size),
            initializer=initializer(config),
            name="output_weights",
        )
        self.output_bias = self.add_weight(
            shape=(self.num_labels,), initializer="zeros", name="output_bias"
        )
        self.built = True

    def call(self, batch: dict[str, Any], training: bool = False) -> Any:
        """Score each label.

        The pooled [CLS] passes a dropout first: at classifier_dropout, else hidden_dropout_prob,
        which is 0.1 in Google's models, as is the fixed rate of its run_classifier.

        Args:
            batch: token_ids, segment_ids int32 [B, L]; id 0 is padding.
            training: whether dropout is on.

        Returns:
            float32 logits [B, C].
        """
        hidden_BLD = _encode(self.bert, batch, training=training)
        pooled_BD = self._dropout(self.bert.pool(hidden_BLD[:, 0]), training)
        weights_DC = ops.cast(ops.transpose(self.output_weights), "float32")
        bias_C = ops.cast(self.output_bias, "float32")
        return ops.matmul(ops.cast(pooled_BD, "float32"), weights_DC) + bias_C


Model = PretrainingModel | SpanModel | ClassifierModel


def _encode(bert: BertEncoder, batch: dict[str, Any], *, training: bool) -> Any:
    """Hidden states [B, L, D] of one sequence a row, padded with id 0."""
    token_ids_BL = batch["token_ids"]
    length = ops.shape(token_ids_BL)[1]
    positions_BL = ops.broadcast_to(
        ops.arange(length, dtype="int32")[None], ops.shape(token_ids_BL)
    )
    real_BL = ops.cast(ops.not_equal(token_ids_BL, 0), "int32")
    return bert(token_ids_BL, batch["segment_ids"], positions_BL, real_BL, training=training)


def _gather(hidden_BLD: Any, positions_BP: Any) -> Any:
    """The hidden states at some positions of each row, all rows one after another."""
    batch, length, width = ops.shape(hidden_BLD)
    flat_BP = positions_BP + ops.arange(batch, dtype="int32")[:, None] * length
    return ops.take(ops.reshape(hidden_BLD, (-1, width)), ops.reshape(flat_BP, (-1,)), axis=0)
