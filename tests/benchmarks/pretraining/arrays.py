"""A micro-batch of pretraining with random contents: NumPy alone, for any framework."""

import numpy as np

MASK_RATE = 0.15
# Below it in Google's vocabularies: special and unused pieces.
_FIRST_WORD = 1000


def make_arrays(
    *, num_rows: int, length: int, vocab_size: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """Full rows of one sequence each, with as many predictions as Google's have (20 of 128).

    Under the names that `components.pretrain.task.PretrainingTask` takes.
    """
    generator = np.random.default_rng(seed)
    num_predicted = int(np.ceil(length * MASK_RATE))
    shape = (num_rows, length)
    positions = [
        np.sort(generator.choice(length, num_predicted, replace=False)) for _ in range(num_rows)
    ]
    first_word = min(_FIRST_WORD, vocab_size // 2)
    arrays = {
        "token_ids": generator.integers(first_word, vocab_size, shape),
        "segment_ids": np.broadcast_to(np.arange(length) >= length // 2, shape),
        "position_ids": np.broadcast_to(np.arange(length), shape),
        "sequence_ids": np.ones(shape),
        "masked_positions": np.stack(positions),
        "masked_ids": generator.integers(first_word, vocab_size, (num_rows, num_predicted)),
        "cls_positions": np.zeros((num_rows, 1)),
        "next_sentence_labels": generator.integers(0, 2, (num_rows, 1)),
    }
    arrays = {name: values.astype(np.int32) for name, values in arrays.items()}
    arrays["masked_weights"] = np.ones((num_rows, num_predicted), np.float32)
    arrays["next_sentence_weights"] = np.ones((num_rows, 1), np.float32)
    return arrays
