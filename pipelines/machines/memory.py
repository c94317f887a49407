"""An estimate of the memory that training takes on a GPU.

Weights, gradients, the sum of gradients under way and the optimizer's two moments are float32:
20 bytes a parameter, and 2 more for a copy in half precision.

Activations that wait for the backward pass, a layer and row of s tokens with hidden width h and
a heads (Korthikanti et al. 2022, section 4.1, with the softmax kept in float32 as here): s h (34
+ 7 a s / h) bytes in half precision, s h (66 + 9 a s / h) in float32; and 16 bytes for each
masked position and word piece (logits, softmax and their gradients), where words are predicted.

Times 1.5 for temporaries and gaps: NVIDIA's TensorFlow 2 code fills an A100 of 80 GB with 312
rows of 128 tokens, or 40 of 512, which is 1.5 times the formula. In fine-tuning times 1.25: by
more, the 76 windows of 384 tokens that it runs on the same GPU would not fit. And 1 GiB for
CUDA, cuBLAS, NCCL and Horovod's buffer.
"""

import math

from components.shared.bert.config import BertConfig

_GIB = 2**30
_TEMPORARIES, _TEMPORARIES_OF_FINETUNING = 1.5, 1.25
_LIBRARIES_GIB = 1.0
_MASK_RATE = 0.15
# NVIDIA's published batches fit under it, and at length 512 no double of one does.
_USABLE_SHARE = 0.92
_MOST_ROWS = 256


def count_parameters(config: BertConfig) -> int:
    """Count the parameters of the encoder, the pooler and pretraining's two heads."""
    h, wide = config.hidden_size, config.intermediate_size
    tables = config.vocab_size + config.max_position_embeddings + config.type_vocab_size
    layer = 4 * (h * h + h) + 2 * h * wide + wide + h + 4 * h
    heads = 2 * (h * h + h) + 2 * h + config.vocab_size + 2 * h + 2
    return tables * h + 2 * h + config.num_hidden_layers * layer + heads


def count_masked(length: int) -> int:
    """Positions of a row that are predicted in pretraining, at the default rate."""
    return math.ceil(_MASK_RATE * length)


def estimate_gib(
    config: BertConfig, *, length: int, rows: int, precision: str, predicts_words: bool = True
) -> float:
    """GiB of GPU memory to train on so many rows at once; fine-tuning predicts no words."""
    is_half = precision != "float32"
    per_token, per_score = (34, 7) if is_half else (66, 9)
    h, heads = config.hidden_size, config.num_attention_heads
    layer = length * h * (per_token + per_score * heads * length / h)
    logits = 16 * count_masked(length) * config.vocab_size if predicts_words else 0
    activations = rows * (config.num_hidden_layers * layer + logits)
    activations *= _TEMPORARIES if predicts_words else _TEMPORARIES_OF_FINETUNING
    constant = (22 if is_half else 20) * count_parameters(config)
    return (constant + activations) / _GIB + _LIBRARIES_GIB


def most_rows(
    config: BertConfig,
    *,
    length: int,
    precision: str,
    gpu_memory_gib: int,
    predicts_words: bool = True,
) -> int:
    """The largest power of 2 of rows that fits, at most 256; 0 if none does."""

    def needed(rows: int) -> float:
        return estimate_gib(
            config, length=length, rows=rows, precision=precision, predicts_words=predicts_words
        )

    rows = _MOST_ROWS
    while rows and needed(rows) > _USABLE_SHARE * gpu_memory_gib:
        rows //= 2
    return rows
