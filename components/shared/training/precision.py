"""The precisions of arithmetic, by Keras's names of dtype policies."""

from typing import Literal, get_args

Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
