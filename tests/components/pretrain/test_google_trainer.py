import tensorflow as tf

from components.shared.dataset.google_records import encode_instance
from tests.components.shared.samples import INSTANCE
from tests.records import write_records


def test_google_s_trainer_parses_the_file(tmp_path):
    """TensorFlow reads it by the fixed lengths and types of Google's run_pretraining.py."""
    path = tmp_path / "records"
    write_records(path, [encode_instance(INSTANCE)] * 3)
    num_tokens, num_predictions = 8, 2
    features = {
        "input_ids": tf.io.FixedLenFeature([num_tokens], tf.int64),
        "input_mask": tf.io.FixedLenFeature([num_tokens], tf.int64),
        "segment_ids": tf.io.FixedLenFeature([num_tokens], tf.int64),
        "masked_lm_positions": tf.io.FixedLenFeature([num_predictions], tf.int64),
        "masked_lm_ids": tf.io.FixedLenFeature([num_predictions], tf.int64),
        "masked_lm_weights": tf.io.FixedLenFeature([num_predictions], tf.float32),
        "next_sentence_labels": tf.io.FixedLenFeature([1], tf.int64),
    }

    parsed = [
        tf.io.parse_single_example(record, features)
        for record in tf.data.TFRecordDataset([str(path)])
    ]

    assert len(parsed) == 3
    assert {name: value.numpy().tolist() for name, value in parsed[2].items()} == vars(INSTANCE)
