"""The peer: Hugging Face's BertForPreTraining in PyTorch, with its own loss.

Runs in the environment of tests/huggingface, started by pretrain.py. Trained as their
Trainer does it: AdamW (PyTorch's fused one, its fastest), gradients clipped at norm 1,
autocast for bfloat16.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence

import torch
from transformers import BertConfig, BertForPreTraining

from tests.benchmarks.measuring.workers import serve
from tests.benchmarks.pretraining.arrays import make_arrays
from tests.benchmarks.pretraining.products import Product, list_products

_NOT_PREDICTED = -100


def make_train(
    config: BertConfig, inputs: dict[str, torch.Tensor], *, bf16: bool
) -> Callable[[], None]:
    """A function that makes one update."""
    torch.manual_seed(1)
    model = BertForPreTraining(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = model(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()

    return train


def make_inputs(arrays) -> dict[str, torch.Tensor]:
    """Under Hugging Face's names; labels lie at all positions, -100 where none is predicted."""
    labels = torch.full(arrays["token_ids"].shape, _NOT_PREDICTED)
    positions = torch.tensor(arrays["masked_positions"], dtype=torch.long)
    labels.scatter_(1, positions, torch.tensor(arrays["masked_ids"], dtype=torch.long))
    return {
        "input_ids": torch.tensor(arrays["token_ids"], dtype=torch.long),
        "token_type_ids": torch.tensor(arrays["segment_ids"], dtype=torch.long),
        "attention_mask": torch.tensor(arrays["sequence_ids"], dtype=torch.long),
        "labels": labels,
        "next_sentence_label": torch.tensor(arrays["next_sentence_labels"][:, 0], dtype=torch.long),
    }


def make_multiply(products: Sequence[Product], dtype: torch.dtype) -> Callable[[], None]:
    """A function that does all the products, by PyTorch's kernels."""
    pairs = [
        (
            torch.randn((one.batch, one.rows, one.inner)[one.batch == 1 :]).to(dtype),
            torch.randn((one.batch, one.inner, one.columns)[one.batch == 1 :]).to(dtype),
        )
        for one in products
    ]

    def multiply() -> None:
        for one, (left, right) in zip(products, pairs, strict=True):
            for _ in range(one.count):
                torch.matmul(left, right)

    return multiply


def main() -> None:
    """Serve what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of a bert_config.json")
    parser.add_argument("--precision", required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--num-rows", type=int, required=True)
    parser.add_argument("--num-updates", type=int, required=True, help="of a measurement")
    arguments = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    fields = json.loads(arguments.config)
    num_rows, length = arguments.num_rows, arguments.length
    arrays = make_arrays(num_rows=num_rows, length=length, vocab_size=fields["vocab_size"])
    bf16 = arguments.precision == "mixed_bfloat16"
    train = make_train(BertConfig(**fields), make_inputs(arrays), bf16=bf16)
    dtype = torch.bfloat16 if bf16 else torch.float32
    shape = {"num_rows": num_rows, "length": length}
    # Its loss looks at the vocabulary from every position.
    own = list_products(fields, **shape, num_predicted=num_rows * length)
    needed = list_products(fields, **shape, num_predicted=arrays["masked_ids"].size)

    def step() -> None:
        for _ in range(arguments.num_updates):
            train()

    serve(
        {"version": torch.__version__},
        {
            "step": step,
            "products": make_multiply(needed, dtype),
            "own products": make_multiply(own, dtype),
        },
    )


if __name__ == "__main__":
    main()
