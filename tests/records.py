"""TFRecord files for tests."""

from components.shared.dataset.tfrecords import frame_records


def write_records(path, records):
    """Write records into a file of their own."""
    path.write_bytes(b"".join(frame_records(records)))
