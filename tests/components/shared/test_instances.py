from components.shared.instances import Instance, decode_instance, encode_instance

INSTANCE = Instance(
    input_ids=[2, 4, 3, 30000, 3, 0, 0, 0],
    input_mask=[1, 1, 1, 1, 1, 0, 0, 0],
    segment_ids=[0, 0, 0, 1, 1, 0, 0, 0],
    masked_lm_positions=[1, 0],
    masked_lm_ids=[8, 0],
    masked_lm_weights=[1.0, 0.0],
    next_sentence_labels=[1],
)


def as_lists(instance):
    return {name: list(values) for name, values in vars(instance).items()}


def test_instance_survives_its_encoding():
    """What was written is what is read."""
    assert as_lists(decode_instance(encode_instance(INSTANCE))) == as_lists(INSTANCE)


def test_equal_instances_give_equal_bytes():
    """The order of protobuf's map entries is fixed."""
    assert len({encode_instance(INSTANCE) for _ in range(20)}) == 1
