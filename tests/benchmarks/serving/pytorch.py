"""The peer in serving: transformers' model in PyTorch, ready to measure.

Runs in the environment of tests/huggingface, started by serve.py.
"""

import argparse
from pathlib import Path

import torch
from transformers import BertForQuestionAnswering

from tests.benchmarks.measuring.workers import serve


def main() -> None:
    """Offer a batch of each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--precision", choices=["float32", "bfloat16"])
    parser.add_argument("--length", type=int)
    parser.add_argument("--batch-sizes", type=int, nargs="*")
    arguments = parser.parse_args()
    model = BertForQuestionAnswering.from_pretrained(arguments.folder / "model").eval()
    is_mixed = arguments.precision == "bfloat16"

    def run(batch_size: int) -> None:
        ids = torch.randint(5, model.config.vocab_size, (batch_size, arguments.length))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=is_mixed):
            model(input_ids=ids, token_type_ids=torch.zeros_like(ids))

    serve({}, {str(size): lambda size=size: run(size) for size in arguments.batch_sizes})


if __name__ == "__main__":
    main()
