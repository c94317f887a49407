"""What computes a served model: OpenVINO, or TensorFlow."""

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

from components.serve.config import ServeConfig
from components.serve.engines import fastest_precision, load_model
from components.shared.checkpoints.description import ONNX_FILE
from components.shared.errors import InputError
from tests.components.serve.models import write_model

LABELS = ["no", "perhaps", "yes"]
HAS_TENSORFLOW = find_spec("tensorflow") is not None
needs_tensorflow = pytest.mark.skipif(
    not HAS_TENSORFLOW, reason="no TensorFlow here; the suite evaluate runs this test"
)


def load(folder, engine, precision="float32"):
    return load_model(folder, ServeConfig(model=str(folder), engine=engine, precision=precision))


def make_batch(size, length):
    """Sequences of several lengths, and which of their tokens are no padding."""
    generator = np.random.default_rng(length)
    lengths = generator.integers(3, length + 1, size=size)
    is_token = np.arange(length)[None] < lengths[:, None]
    token_ids = np.where(is_token, generator.integers(5, 30, size=(size, length)), 0)
    segment_ids = is_token & (np.arange(length)[None] >= lengths[:, None] // 2)
    batch = {"token_ids": token_ids, "segment_ids": segment_ids}
    return {name: array.astype(np.int32) for name, array in batch.items()}, is_token


@needs_tensorflow
@pytest.mark.parametrize("labels", [None, LABELS], ids=["spans", "labels"])
def test_tensorflow_gives_what_openvino_gives(labels, tmp_path):
    """For batches of any size and length; several threads may ask at once."""
    folder = write_model(tmp_path / "model", labels=labels)
    expected, got = load(folder, "openvino"), load(folder, "tensorflow")
    batches = [make_batch(*shape) for shape in [(1, 16), (3, 40), (8, 160), (2, 16)] * 2]

    with ThreadPoolExecutor(4) as threads:
        outputs = list(threads.map(lambda batch: got.run(batch[0]), batches))

    assert (got.engine, got.num_streams) == ("TensorFlow on the CPU", 1)
    assert got.description.labels == (labels and tuple(labels))
    for (arrays, is_token), output in zip(batches, outputs, strict=True):
        for one, other in zip(expected.run(arrays), output, strict=True):
            compared = is_token if labels is None else np.full(one.shape, True)
            assert np.abs(one - other)[compared].max() < 5e-5


@needs_tensorflow
def test_what_tensorflow_does_not_compute_is_rejected(tmp_path):
    """An int8 graph is OpenVINO's, as is any graph without its weights."""
    folder = write_model(tmp_path / "model")
    with pytest.raises(InputError, match="precision int8 is OpenVINO's; give engine openvino"):
        load(folder, "tensorflow", "int8")

    (folder / ONNX_FILE).touch()
    with pytest.raises(InputError, match="an exported model.onnx, which OpenVINO computes"):
        load(folder, "tensorflow")


@pytest.mark.skipif(HAS_TENSORFLOW, reason="TensorFlow is installed here")
def test_an_image_without_tensorflow_says_so(tmp_path):
    """Before it reads the model."""
    with pytest.raises(InputError, match="TensorFlow is not installed.*VARIANT=gpu has it"):
        load(tmp_path, "tensorflow")


def test_without_a_gpu_the_engine_is_openvino(tmp_path):
    """Whether TensorFlow is installed or not; float16 is for GPUs."""
    folder = write_model(tmp_path / "model")

    assert load(folder, "auto").engine == "OpenVINO on the CPU"
    with pytest.raises(InputError, match="precision float16 is for GPUs; give bfloat16"):
        load(folder, "auto", "float16")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ([], "float32"),
        ([(7, 0)], "float16"),
        ([(8, 0)], "bfloat16"),
        ([(9, 0), (7, 5)], "float16"),
    ],
    ids=["cpu", "V100", "A100", "mixed"],
)
def test_the_precision_follows_the_slowest_gpu(capabilities, expected):
    """V100 and T4 have no bfloat16."""
    assert fastest_precision(capabilities) == expected
