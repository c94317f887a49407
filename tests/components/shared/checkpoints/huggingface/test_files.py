"""The files of a transformers model: weights of any precision, and what can't be read."""

import os
import stat

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from components.shared.bert.heads import PretrainingModel
from components.shared.checkpoints import huggingface
from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, restore
from components.shared.checkpoints.huggingface_export import ExportConfig, export
from components.shared.checkpoints.warm_start import start_from
from components.shared.checkpoints.weights import open_weights
from components.shared.errors import InputError
from tests.components.shared.checkpoints.huggingface.models import build


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_weights_of_other_precisions_become_float32(folder, dtype):
    """To the digits that were stored."""
    before = {name: open_weights(folder).read(name) for name in open_weights(folder).shapes}
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {name: value.astype(dtype) for name, value in tensors.items()},
        folder / "model.safetensors",
    )

    weights = open_weights(folder)

    for name, value in before.items():
        assert weights.read(name).dtype == np.float32
        np.testing.assert_array_equal(weights.read(name), value.astype(dtype).astype(np.float32))


def test_whole_numbers_are_no_weights(folder):
    """As quantized models hold them."""
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.pooler.dense.weight"] = tensors["bert.pooler.dense.weight"].astype(np.int8)
    save_file(tensors, folder / "model.safetensors")

    with pytest.raises(InputError, match="pooler.dense.weight is stored as I8"):
        start_from(Checkpoint.read(folder), build(PretrainingModel))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_weight_that_is_no_number_is_blamed_on_the_checkpoint(folder, value):
    """Not on the learning rate, after the first step."""
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.pooler.dense.bias"][3] = value
    save_file(tensors, folder / "model.safetensors")
    checkpoint = Checkpoint.read(folder)

    with pytest.raises(InputError, match=f"{folder}: bert/pooler/dense/bias holds NaN or infin"):
        start_from(checkpoint, build(PretrainingModel))
    with pytest.raises(InputError, match="bert/pooler/dense/bias holds NaN or infinity"):
        restore(folder, named_variables(build(PretrainingModel)))


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.safetensors.index.json", "tf_model.h5"]
)
def test_other_formats_of_weights_are_rejected_with_a_way_to_convert_them(folder, name):
    """In one line."""
    (folder / "model.safetensors").rename(folder / name)

    with pytest.raises(InputError, match=rf"the weights in {name} .*save_pretrained\(") as error:
        Checkpoint.read(folder)

    assert "\n" not in str(error.value)


def test_a_vocabulary_only_in_tokenizer_json_is_rejected_with_a_way_to_write_it(folder):
    """As version 5 of transformers saves it."""
    (folder / "vocab.txt").rename(folder / "tokenizer.json")

    with pytest.raises(InputError, match=r"no vocab.txt, only tokenizer.json; .*model\.save"):
        Checkpoint.read(folder)


def test_a_truncated_file_is_an_error_of_one_line(folder):
    """Cut anywhere."""
    content = (folder / "model.safetensors").read_bytes()
    for size in (0, 7, 8, 100, len(content) // 2, len(content) - 1):
        (folder / "model.safetensors").write_bytes(content[:size])

        with pytest.raises(InputError, match="model.safetensors: not readable"):
            Checkpoint.read(folder)


@pytest.mark.parametrize("umask", [0o022, 0o007, 0o077])
def test_exported_files_have_the_mode_that_the_umask_leaves(folder, umask):
    """The folder and each file in it."""
    before = os.umask(umask)
    try:
        output = folder.parent / "again"
        export(ExportConfig(checkpoint=folder, output=output))
    finally:
        os.umask(before)

    assert stat.S_IMODE(output.stat().st_mode) == 0o777 & ~umask
    for path in output.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask, path


def test_a_weight_that_is_there_twice_is_rejected(folder):
    """With and without the prefix of the whole model."""
    tensors = load_file(folder / "model.safetensors")
    tensors["pooler.dense.bias"] = tensors["bert.pooler.dense.bias"]
    save_file(tensors, folder / "model.safetensors")

    with pytest.raises(InputError, match="are the same weight"):
        huggingface.HuggingFaceWeights(folder)
