"""The optimizers against NumPy statements of their formulas."""

import keras
import numpy as np
import pytest

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import PretrainingModel
from components.shared.checkpoints.checkpoint import named_variables
from components.shared.training.optimizer import WarmupPolynomialDecay, make_optimizer


def numpy_nvlamb(weights, gradient_steps, *, rate, decayed):
    """NVLAMB as its specification states it, without schedule."""
    weights = [w.astype(np.float64) for w in weights]
    m = [np.zeros_like(w) for w in weights]
    v = [np.zeros_like(w) for w in weights]
    for step, gradients in enumerate(gradient_steps, start=1):
        norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients))
        for i, gradient in enumerate(gradients):
            g = gradient / max(1.0, norm)
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g**2
            u = (m[i] / (1 - 0.9**step)) / (np.sqrt(v[i] / (1 - 0.999**step)) + 1e-6)
            if decayed[i]:
                u = u + 0.01 * weights[i]
            w_norm, u_norm = np.linalg.norm(weights[i]), np.linalg.norm(u)
            ratio = w_norm / u_norm if w_norm > 0 and u_norm > 0 else 1.0
            weights[i] = weights[i] - rate * ratio * u
    return weights


@pytest.mark.parametrize("scale", [0.01, 30.0], ids=["small gradients", "clipped gradients"])
def test_lamb_follows_nvlambs_formulas(scale):
    """Five steps, with a decayed kernel, a bias that starts at zero and a LayerNorm scale."""
    generator = np.random.default_rng(0)
    shapes = {"kernel": (4, 3), "bias": (3,), "gamma": (3,)}
    start = [generator.normal(size=(4, 3)), np.zeros(3), np.ones(3)]
    variables = [
        keras.Variable(value.astype("float32"), name=name)
        for name, value in zip(shapes, start, strict=True)
    ]
    steps = [[scale * generator.normal(size=s) for s in shapes.values()] for _ in range(5)]
    # No warm-up and no decay to speak of: the rate is 0.1 in all five steps.
    optimizer = make_optimizer("lamb", learning_rate=0.1, num_steps=10**9, warmup_steps=0)

    for gradients in steps:
        optimizer.apply([keras.ops.cast(g, "float32") for g in gradients], variables)

    expected = numpy_nvlamb(start, steps, rate=0.1, decayed=[True, False, False])
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=2e-5, atol=2e-6)


def test_warm_up_and_decay_have_these_values():
    """A peak of 8, 4 warm-up steps of 16, power 0.5; the decay counts from step 0."""
    schedule = WarmupPolynomialDecay(8.0, num_steps=16, warmup_steps=4, power=0.5)

    rates = [float(schedule(step)) for step in (0, 1, 3, 4, 12, 15, 16, 20)]

    assert rates == pytest.approx([2, 4, 8, 8 * 0.75**0.5, 4, 2, 0, 0], abs=1e-5)


def test_adamw_decays_to_zero_in_a_straight_line():
    """Google's schedule: power 1."""
    optimizer = make_optimizer("adamw", learning_rate=1.0, num_steps=10, warmup_steps=0)

    assert float(optimizer._learning_rate(5)) == pytest.approx(0.5)


def test_adamw_leaves_biases_and_layer_norms_undecayed():
    """With a zero gradient only the kernel shrinks."""
    variables = [keras.Variable(np.ones(2), name=n) for n in ("kernel", "bias", "beta")]
    optimizer = make_optimizer("adamw", learning_rate=0.5, num_steps=10**9, warmup_steps=0)

    optimizer.apply([keras.ops.zeros(2)] * 3, variables)

    values = [float(variable.numpy()[0]) for variable in variables]
    assert values == pytest.approx([1 - 0.5 * 0.01, 1, 1])


@pytest.mark.parametrize("name", ["lamb", "adamw"])
def test_googles_exclusions_hold_for_the_real_model(name):
    """In Google's names: what has LayerNorm or bias in it is not decayed, all else is."""
    model = PretrainingModel(BertConfig.preset("tiny", vocab_size=50), seed=1)
    model.build()
    optimizer = make_optimizer(name, learning_rate=1.0, num_steps=10, warmup_steps=0)
    optimizer.build(model.trainable_variables)

    decayed = {n for n, v in named_variables(model).items() if optimizer._use_weight_decay(v)}

    expected = {n for n in named_variables(model) if "LayerNorm" not in n and "bias" not in n}
    assert decayed == expected
