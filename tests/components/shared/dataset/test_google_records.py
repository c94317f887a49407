from components.shared.dataset.google_records import decode_instance, encode_instance
from tests.components.shared.samples import INSTANCE


def as_lists(instance):
    return {name: list(values) for name, values in vars(instance).items()}


def test_instance_survives_its_encoding():
    """What was written is what is read."""
    assert as_lists(decode_instance(encode_instance(INSTANCE), source="x")) == as_lists(INSTANCE)


def test_equal_instances_give_equal_bytes():
    """The order of protobuf's map entries is fixed."""
    assert len({encode_instance(INSTANCE) for _ in range(20)}) == 1
