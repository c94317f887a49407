"""BERT's encoder (Devlin et al. 2019), for rows that may hold several sequences.

Shape suffixes: B rows of a batch, L positions of a row, D hidden width, H heads,
W width of a head, K sequences gathered.

Keras's own operations only, so that the model runs on each of its backends.
"""

from typing import Any

import keras
from keras import ops

from components.shared.bert.config import BertConfig
from components.shared.bert.elementwise import (
    NAME_TO_ACTIVATION,
    add_and_normalize,
    drop,
    mix,
    normalize,
)

# Added to the scores of positions that must not be seen, as in Google's code: small
# enough for float16, large enough that the softmax gives exactly 0.
_MASKED_SCORE = -10000.0


class BertEncoder(keras.layers.Layer):
    """Embeddings and transformer layers, and the pooler that next-sentence prediction uses."""

    def __init__(
        self, config: BertConfig, *, seed: int, has_pooler: bool = True, name: str = "bert"
    ) -> None:
        super().__init__(name=name)
        self.config = config
        # One generator for all dropouts: its single state is what a restart must set.
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.embeddings = _Embeddings(config, self.seed_generator)
        self.encoder_layers = [
            _TransformerLayer(config, self.seed_generator, name=f"layer_{index}")
            for index in range(config.num_hidden_layers)
        ]
        self.pooler = (
            dense(config, config.hidden_size, "pooler", activation="tanh") if has_pooler else None
        )

    def build(self, _input_shape: Any = None) -> None:
        """Create all variables; their shapes follow from the config alone."""
        hidden_shape = (None, None, self.config.hidden_size)
        self.embeddings.build()
        for layer in self.encoder_layers:
            layer.build(hidden_shape)
        if self.pooler is not None:
            self.pooler.build((None, self.config.hidden_size))
        self.built = True

    def call(
        self,
        token_ids_BL: Any,
        segment_ids_BL: Any,
        position_ids_BL: Any,
        sequence_ids_BL: Any,
        training: bool = False,
    ) -> Any:
        """Encode rows.

        Args:
            token_ids_BL: int32 [B, L].
            segment_ids_BL: int32 [B, L], 0 or 1.
            position_ids_BL: int32 [B, L], restarting at 0 in each sequence of a row.
            sequence_ids_BL: int32 [B, L], from 1 up; 0 is padding. A position attends to
                those of its own sequence alone.
            training: whether dropout is on.

        Returns:
            hidden_BLD in the compute dtype.
        """
        hidden_BLD = self.embeddings(
            token_ids_BL, segment_ids_BL, position_ids_BL, training=training
        )
        same_sequence_BLL = ops.equal(sequence_ids_BL[:, :, None], sequence_ids_BL[:, None, :])
        bias_B1LL = ops.cast(ops.where(same_sequence_BLL, 0.0, _MASKED_SCORE), self.compute_dtype)[
            :, None
        ]
        for layer in self.encoder_layers:
            hidden_BLD = layer(hidden_BLD, bias_B1LL, training=training)
        return hidden_BLD

    def pool(self, cls_hidden_KD: Any) -> Any:
        """The pooled output of the hidden states at [CLS] positions: [K, D] -> [K, D]."""
        assert self.pooler is not None
        return self.pooler(cls_hidden_KD)


class _Embeddings(keras.layers.Layer):
    """Word, segment and position embeddings, summed and normalized."""

    def __init__(self, config: BertConfig, seed_generator: Any) -> None:
        super().__init__(name="embeddings")
        self._config = config
        self.layer_norm = LayerNorm("LayerNorm", config.layer_norm_eps)
        self._dropout = Dropout(config.hidden_dropout_prob, seed_generator)

    def build(self, _input_shape: Any = None) -> None:
        config = self._config
        tables = {
            "word_embeddings": config.vocab_size,
            "token_type_embeddings": config.type_vocab_size,
            "position_embeddings": config.max_position_embeddings,
        }
        for name, rows in tables.items():
            table = self.add_weight(
                shape=(rows, config.hidden_size), initializer=initializer(config), name=name
            )
            setattr(self, name, table)
        self.layer_norm.build((None, None, config.hidden_size))
        self.built = True

    def call(
        self, token_ids_BL: Any, segment_ids_BL: Any, position_ids_BL: Any, training: bool
    ) -> Any:
        # A product with one-hot rows instead of a look-up: the gradient of a table of two
        # rows is then a small matrix product, not a scatter of B*L rows.
        segments_BL2 = ops.one_hot(
            segment_ids_BL, self._config.type_vocab_size, dtype=self.compute_dtype
        )
        hidden_BLD = (
            ops.take(self.word_embeddings, token_ids_BL, axis=0)
            + ops.take(self.position_embeddings, position_ids_BL, axis=0)
            + ops.matmul(segments_BL2, ops.cast(self.token_type_embeddings, self.compute_dtype))
        )
        return self._dropout(self.layer_norm(hidden_BLD), training)


class _TransformerLayer(keras.layers.Layer):
    """Self-attention and a feed-forward network, each with a residual and a normalization."""

    def __init__(self, config: BertConfig, seed_generator: Any, *, name: str) -> None:
        super().__init__(name=name)
        self._config = config
        width = config.hidden_size
        self.query = dense(config, width, "query")
        self.key = dense(config, width, "key")
        self.value = dense(config, width, "value")
        self._attention_dropout = Dropout(config.attention_probs_dropout_prob, seed_generator)
        self.attention_output = dense(config, width, "attention_output")
        self.attention_norm = LayerNorm("attention_LayerNorm", config.layer_norm_eps)
        self.intermediate = dense(config, config.intermediate_size, "intermediate")
        self._activate = NAME_TO_ACTIVATION[config.hidden_act]
        self.output_dense = dense(config, width, "output")
        self.output_norm = LayerNorm("output_LayerNorm", config.layer_norm_eps)
        self._dropout = Dropout(config.hidden_dropout_prob, seed_generator)

    def build(self, input_shape: Any) -> None:
        for layer in (self.query, self.key, self.value, self.attention_output, self.intermediate):
            layer.build(input_shape)
        self.output_dense.build((None, None, self._config.intermediate_size))
        self.attention_norm.build(input_shape)
        self.output_norm.build(input_shape)
        self.built = True

    def call(self, hidden_BLD: Any, bias_B1LL: Any, training: bool) -> Any:
        attended_BLD = self.attention_output(self._attend(hidden_BLD, bias_B1LL, training))
        hidden_BLD = self._add(hidden_BLD, attended_BLD, self.attention_norm, training)
        expanded = self._activate(self.intermediate(hidden_BLD))
        return self._add(hidden_BLD, self.output_dense(expanded), self.output_norm, training)

    def _add(self, hidden_BLD: Any, update_BLD: Any, norm: "LayerNorm", training: bool) -> Any:
        rate, key = self._dropout.draw(training)
        return add_and_normalize(
            hidden_BLD,
            update_BLD,
            *norm.scale_and_offset(),
            key,
            rate=rate,
            epsilon=norm.epsilon,
        )

    def _attend(self, hidden_BLD: Any, bias_B1LL: Any, training: bool) -> Any:
        head_width = self._config.hidden_size // self._config.num_attention_heads
        # Scaling the queries costs L*D products, scaling the scores L*L*H.
        query_BHLW = self._split_heads(self.query(hidden_BLD) * head_width**-0.5)
        key_BHLW = self._split_heads(self.key(hidden_BLD))
        value_BHLW = self._split_heads(self.value(hidden_BLD))
        scores_BHLL = ops.matmul(query_BHLW, ops.swapaxes(key_BHLW, -1, -2)) + bias_B1LL
        # In float32: a float16 sum over 512 positions loses digits.
        probabilities_BHLL = ops.softmax(ops.cast(scores_BHLL, "float32"))
        probabilities_BHLL = self._attention_dropout(
            ops.cast(probabilities_BHLL, self.compute_dtype), training
        )
        attended_BLHW = ops.transpose(ops.matmul(probabilities_BHLL, value_BHLW), (0, 2, 1, 3))
        return ops.reshape(attended_BLHW, ops.shape(hidden_BLD))

    def _split_heads(self, projected_BLD: Any) -> Any:
        batch, length, width = ops.shape(projected_BLD)
        heads = self._config.num_attention_heads
        split_BLHW = ops.reshape(projected_BLD, (batch, length, heads, width // heads))
        return ops.transpose(split_BLHW, (0, 2, 1, 3))


class Dropout:
    """Dropout that draws from a generator shared by the whole model."""

    def __init__(self, rate: float, seed_generator: Any) -> None:
        self._rate, self._seed_generator = rate, seed_generator

    def draw(self, training: bool) -> tuple[float, Any]:
        """The rate, and the key that says which positions are dropped."""
        if not training or self._rate == 0:
            return 0.0, ops.zeros((), "int32")
        seed_2 = ops.cast(self._seed_generator.next(), "int32")
        return self._rate, mix(seed_2[0] + mix(seed_2[1]))

    def __call__(self, values: Any, training: bool) -> Any:
        """The values, a fraction of them 0 while training."""
        rate, key = self.draw(training)
        return drop(values, key, rate=rate) if rate else values


class LayerNorm(keras.layers.Layer):
    """Layer normalization in float32."""

    def __init__(self, name: str, epsilon: float) -> None:
        super().__init__(name=name, autocast=False)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Create scale and offset."""
        width = (input_shape[-1],)
        self.gamma = self.add_weight(shape=width, initializer="ones", name="gamma", autocast=False)
        self.beta = self.add_weight(shape=width, initializer="zeros", name="beta", autocast=False)
        self.built = True

    def scale_and_offset(self) -> tuple[Any, Any]:
        """Scale and offset, [D] each."""
        return self.gamma.value, self.beta.value

    def call(self, values_BLD: Any) -> Any:
        """Normalize over the last axis; the dtype stays."""
        return normalize(values_BLD, *self.scale_and_offset(), epsilon=self.epsilon)


def initializer(config: BertConfig) -> Any:
    """Normal, cut at two standard deviations, as published."""
    return keras.initializers.TruncatedNormal(stddev=config.initializer_range)


def dense(config: BertConfig, width: int, name: str, activation: str | None = None) -> Any:
    """A dense layer with BERT's initial weights."""
    return keras.layers.Dense(
        width, activation=activation, kernel_initializer=initializer(config), name=name
    )
