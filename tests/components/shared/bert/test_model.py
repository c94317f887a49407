"""The encoder against a well-known one, and packed rows against single ones."""

import keras
import keras_hub
import numpy as np
import pytest

from components.shared.bert.config import BertConfig
from components.shared.bert.model import BertEncoder

VOCAB_SIZE = 100


@pytest.fixture(scope="module")
def config() -> BertConfig:
    return BertConfig.preset("mini", vocab_size=VOCAB_SIZE)


@pytest.fixture(scope="module")
def encoder(config: BertConfig) -> BertEncoder:
    """An encoder whose every weight is random: zero biases would hide a wrong one."""
    encoder = BertEncoder(config, seed=1)
    encoder.build()
    generator = np.random.default_rng(7)
    for variable in encoder.trainable_variables:
        variable.assign(variable + generator.normal(0, 0.05, variable.shape))
    return encoder


def encode(encoder: BertEncoder, token_ids, segment_ids, position_ids, sequence_ids):
    arrays = (np.asarray(a, np.int32) for a in (token_ids, segment_ids, position_ids, sequence_ids))
    return np.asarray(encoder(*arrays))


def copy_to_keras_hub(encoder: BertEncoder, config: BertConfig):
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=VOCAB_SIZE,
        num_layers=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        hidden_dim=config.hidden_size,
        intermediate_dim=config.intermediate_size,
        dropout=0.0,
        max_sequence_length=config.max_position_embeddings,
        num_segments=2,
    )
    head_shape = (config.hidden_size, config.num_attention_heads, 64)

    def copy_dense(source, target, kernel_shape=None, bias_shape=None):
        kernel, bias = source.kernel.numpy(), source.bias.numpy()
        target.kernel.assign(kernel.reshape(kernel_shape or kernel.shape))
        target.bias.assign(bias.reshape(bias_shape or bias.shape))

    def copy_norm(source, target):
        target.gamma.assign(source.gamma)
        target.beta.assign(source.beta)

    embeddings = encoder.embeddings
    backbone.get_layer("token_embedding").embeddings.assign(embeddings.word_embeddings)
    backbone.get_layer("position_embedding").position_embeddings.assign(
        embeddings.position_embeddings
    )
    backbone.get_layer("segment_embedding").embeddings.assign(embeddings.token_type_embeddings)
    copy_norm(embeddings.layer_norm, backbone.get_layer("embeddings_layer_norm"))
    for index, ours in enumerate(encoder.encoder_layers):
        theirs = backbone.get_layer(f"transformer_layer_{index}")
        attention = theirs._self_attention_layer
        for source, target in (
            (ours.query, attention._query_dense),
            (ours.key, attention._key_dense),
            (ours.value, attention._value_dense),
        ):
            copy_dense(source, target, head_shape, head_shape[1:])
        copy_dense(
            ours.attention_output, attention._output_dense, (*head_shape[1:], config.hidden_size)
        )
        copy_norm(ours.attention_norm, theirs._self_attention_layer_norm)
        copy_dense(ours.intermediate, theirs._feedforward_intermediate_dense)
        copy_dense(ours.output_dense, theirs._feedforward_output_dense)
        copy_norm(ours.output_norm, theirs._feedforward_layer_norm)
    copy_dense(encoder.pooler, backbone.get_layer("pooled_dense"))
    return backbone


def test_hidden_states_and_pooled_output_equal_keras_hubs(encoder, config):
    """With the same weights KerasHub's BERT gives the same, to 1e-4, padding and all."""
    generator = np.random.default_rng(3)
    token_ids = generator.integers(5, VOCAB_SIZE, (3, 40)).astype(np.int32)
    real = np.arange(40)[None] < np.array([40, 25, 7])[:, None]
    token_ids = np.where(real, token_ids, 0)
    segment_ids = np.where(real, np.arange(40)[None] >= 5, 0).astype(np.int32)
    reference = copy_to_keras_hub(encoder, config)(
        {"token_ids": token_ids, "segment_ids": segment_ids, "padding_mask": real}
    )

    positions = np.broadcast_to(np.arange(40), (3, 40))
    hidden = encode(encoder, token_ids, segment_ids, positions, real)
    pooled = np.asarray(encoder.pool(hidden[:, 0]))

    np.testing.assert_allclose(
        hidden[real], np.asarray(reference["sequence_output"])[real], atol=1e-4
    )
    np.testing.assert_allclose(pooled, np.asarray(reference["pooled_output"]), atol=1e-4)


def test_a_packed_row_equals_its_sequences_one_a_row(encoder):
    """Sequences that share a row do not see one another."""
    first, second = np.array([5, 6, 7, 8]), np.array([9, 10, 11])
    packed = encode(
        encoder,
        [[*first, *second, 0]],
        [[0, 0, 1, 1, 0, 1, 1, 0]],
        [[0, 1, 2, 3, 0, 1, 2, 0]],
        [[1, 1, 1, 1, 2, 2, 2, 0]],
    )

    alone_1 = encode(encoder, [first], [[0, 0, 1, 1]], [[0, 1, 2, 3]], [[1] * 4])
    alone_2 = encode(encoder, [second], [[0, 1, 1]], [[0, 1, 2]], [[1] * 3])

    np.testing.assert_allclose(packed[0, :4], alone_1[0], atol=1e-5)
    np.testing.assert_allclose(packed[0, 4:7], alone_2[0], atol=1e-5)


def test_dropout_changes_the_output_only_in_training(encoder):
    """Prediction is deterministic, training is not."""
    arrays = [np.array([[5, 6, 7]], np.int32), np.zeros((1, 3), np.int32)]
    arrays += [np.array([[0, 1, 2]], np.int32), np.ones((1, 3), np.int32)]

    predicted, again = (np.asarray(encoder(*arrays)) for _ in range(2))
    trained = np.asarray(encoder(*arrays, training=True))

    np.testing.assert_array_equal(predicted, again)
    assert np.abs(trained - predicted).max() > 0.01


def test_weights_start_as_published(config):
    """Normal with deviation 0.02 cut at two of them, zero biases, unit scales."""
    fresh = BertEncoder(config, seed=1)
    fresh.build()

    table = fresh.embeddings.word_embeddings.numpy()
    query = fresh.encoder_layers[0].query

    assert np.abs(table).max() <= 0.04 + 1e-6
    # A normal cut at two deviations keeps 0.88 of its deviation; Keras corrects for that.
    assert table.std() == pytest.approx(0.02, rel=0.15)
    assert not query.bias.numpy().any()
    assert (fresh.embeddings.layer_norm.gamma.numpy() == 1).all()


def test_half_precision_stays_close_to_float32(config):
    """Mixed bfloat16 computes the same function, with fewer digits."""
    full = BertEncoder(config, seed=1)
    full.build()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = BertEncoder(config, seed=1)
        half.build()
    finally:
        keras.config.set_dtype_policy("float32")
    for source, target in zip(full.trainable_variables, half.trainable_variables, strict=True):
        target.assign(source)
    arrays = [np.array([[5, 6, 7]], np.int32), np.zeros((1, 3), np.int32)]
    arrays += [np.array([[0, 1, 2]], np.int32), np.ones((1, 3), np.int32)]

    difference = np.asarray(full(*arrays)) - np.asarray(half(*arrays)).astype(np.float32)

    assert half.compute_dtype == "bfloat16"
    assert half.embeddings.word_embeddings.dtype == "float32"
    assert np.abs(difference).max() < 0.1
