"""Records that several tests write and read."""

from components.shared.dataset.google_records import Instance

INSTANCE = Instance(
    input_ids=[2, 4, 3, 30000, 3, 0, 0, 0],
    input_mask=[1, 1, 1, 1, 1, 0, 0, 0],
    segment_ids=[0, 0, 0, 1, 1, 0, 0, 0],
    masked_lm_positions=[1, 0],
    masked_lm_ids=[8, 0],
    masked_lm_weights=[1.0, 0.0],
    next_sentence_labels=[1],
)
