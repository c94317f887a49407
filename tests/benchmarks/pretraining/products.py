"""The matrix products of a pretraining step and nothing else: what no program can be faster than.

Of the standard library alone: each framework multiplies them by its own means.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Product(NamedTuple):
    """`batch` products of a [rows, inner] and an [inner, columns] matrix, `count` times."""

    count: int
    batch: int
    rows: int
    inner: int
    columns: int

    @property
    def flops(self) -> int:
        """Two operations for each product of two numbers."""
        return 2 * self.count * self.batch * self.rows * self.inner * self.columns


def list_products(
    config: Mapping[str, Any], *, num_rows: int, length: int, num_predicted: int
) -> list[Product]:
    """The products of one micro-batch, forward and backward.

    Args:
        config: fields of a bert_config.json.
        num_rows: sequences, one a row.
        length: tokens of a row.
        num_predicted: positions of all rows that meet the vocabulary.
    """
    width, inner = config["hidden_size"], config["intermediate_size"]
    layers, heads = config["num_hidden_layers"], config["num_attention_heads"]
    tokens = num_rows * length
    forward = [
        Product(4 * layers, 1, tokens, width, width),  # query, key, value and output
        Product(layers, 1, tokens, width, inner),
        Product(layers, 1, tokens, inner, width),
        Product(layers, num_rows * heads, length, width // heads, length),  # scores
        Product(layers, num_rows * heads, length, length, width // heads),  # the values' mixing
        Product(1, 1, num_predicted, width, width),
        Product(1, 1, num_predicted, width, config["vocab_size"]),
        Product(1, 1, num_rows, width, width),  # the pooler
    ]
    return [product for one in forward for product in (one, *_backward(one))]


def _backward(product: Product) -> tuple[Product, Product]:
    """The gradient of its input, and that of its weights."""
    count, batch, rows, inner, columns = product
    return (
        Product(count, batch, rows, columns, inner),
        Product(count, batch, inner, rows, columns),
    )
