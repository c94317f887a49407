"""The tensors of a checkpoint, in Google's format or Hugging Face's, under Google's names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from components.shared.checkpoints import huggingface
from components.shared.checkpoints.bundle import BundleWeights, UnusualBundleError
from components.shared.checkpoints.description import expect_readable_weights
from components.shared.errors import InputError

BUNDLE = "bert_model.ckpt"
"""Google's name for the files of TensorFlow's tensor bundle."""


class Weights(Protocol):
    """The tensors of a checkpoint, under Google's names."""

    shapes: Mapping[str, tuple[int, ...]]

    def read(self, name: str) -> np.ndarray:
        """Return a weight's value."""
        ...


class _GoogleWeights:
    """The tensors of a checkpoint in one of TensorFlow's formats."""

    def __init__(self, folder: Path) -> None:
        """Open the files.

        Raises:
            InputError: if they are missing, cut short or altered.
        """
        self._folder = folder
        prefix = find_bundle(folder)
        with self._expect_whole():
            self._tensors = _open_tensors(prefix)
            self.shapes = self._tensors.shapes

    def read(self, name: str) -> np.ndarray:
        """Return a weight's value.

        Raises:
            InputError: if it is cut short or altered.
        """
        with self._expect_whole():
            return self._tensors.read(name)

    @contextmanager
    def _expect_whole(self) -> Iterator[None]:
        """Raise InputError for what a reader raises of a broken file."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # ValueError, IndexError, KeyError; TensorFlow's OpError …
            problem = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"{self._folder}: the weights are cut short or altered ({problem}); get them again"
            ) from None


def _open_tensors(prefix: str) -> Weights:
    if Path(f"{prefix}.index").exists():
        with suppress(UnusualBundleError):
            return BundleWeights(prefix)
    return _TensorFlowWeights(prefix)


class _TensorFlowWeights:
    """The tensors of a checkpoint from before 2016, and of others that TensorFlow alone reads."""

    def __init__(self, prefix: str) -> None:
        """Open the files.

        Raises:
            InputError: where there is no TensorFlow.
        """
        try:
            import tensorflow as tf  # takes seconds
        except ModuleNotFoundError:
            raise InputError(
                f"{prefix}: its format is read by TensorFlow alone, which is not installed here; "
                "convert it: python -m components.finetune export"
            ) from None

        self._reader = tf.train.load_checkpoint(prefix)
        self.shapes: Mapping[str, tuple[int, ...]] = {
            name: tuple(shape) for name, shape in self._reader.get_variable_to_shape_map().items()
        }

    def read(self, name: str) -> Any:
        return self._reader.get_tensor(name)


def open_weights(folder: Path) -> Weights:
    """Open a checkpoint of Google's format (TensorFlow's, old or new) or Hugging Face's."""
    if huggingface.is_in(folder):
        return huggingface.HuggingFaceWeights(folder)
    return _GoogleWeights(folder)


def read_finite(weights: Weights, name: str, folder: Path) -> np.ndarray:
    """Read a weight of a checkpoint.

    Raises:
        InputError: if it holds NaN or infinity.
    """
    value = weights.read(name)
    if not np.isfinite(value).all():
        raise InputError(f"{folder}: {name} holds NaN or infinity; take another checkpoint")
    return value


def find_bundle(folder: Path) -> str:
    """Find TensorFlow's name for a checkpoint: the path without .index; the one file of old ones.

    Raises:
        InputError: if no file has Google's name, and not exactly one has another.
    """
    if (folder / f"{BUNDLE}.index").exists() or (folder / BUNDLE).exists():
        return str(folder / BUNDLE)
    others = sorted(folder.glob("*.index"))
    if len(others) == 1:
        return str(others[0].with_suffix(""))
    expect_readable_weights((path.name for path in folder.iterdir()), str(folder))
    inside = [path.parent for path in sorted(folder.glob(f"*/{BUNDLE}*"))]
    hint = f"; {inside[0]} looks like one" if inside else ""
    found = f" but {', '.join(path.name for path in others)}" if others else ""
    raise InputError(
        f"{folder}: no {BUNDLE}.index in it{found}; a checkpoint is a folder with {BUNDLE}.*, "
        f"bert_config.json and vocab.txt{hint}"
    )
