"""Records in the format of Google's create_pretraining_data.py."""

from components.preprocess.run import run
from components.shared.dataset.folder import read_manifest
from components.shared.dataset.google_records import decode_instance
from components.shared.dataset.tfrecords import read_records
from tests.components.preprocess.outputs import read_files

PROCESSES = "--direct_running_mode=multi_processing --direct_num_workers=2"


def test_google_s_format_holds_padded_and_masked_sequences(
    make_config, write_dump, make_article, vocabulary
):
    """Every feature has the length that Google's trainer expects, and is consistent."""
    write_dump(*(make_article(page) for page in range(1, 21)))
    config = make_config(format="google", max_predictions="3,12")

    run(config)

    manifest = read_manifest(config.dataset)
    assert manifest["format"] == "google"
    for length, num_predictions in (16, 3), (64, 12):
        described = manifest["lengths"][str(length)]
        instances = read_instances(config.dataset, str(length))
        assert described["max_predictions"] == num_predictions
        assert described["num_rows"] == described["num_sequences"] == len(instances) > 20
        for one in instances:
            num_tokens, num_masked = sum(one.input_mask), int(sum(one.masked_lm_weights))
            ids = list(one.input_ids)
            for place, id_ in list(zip(one.masked_lm_positions, one.masked_lm_ids, strict=True))[
                :num_masked
            ]:
                ids[place] = id_
            first = ids.index(vocabulary.sep_id) + 1
            assert len(ids) == len(one.input_mask) == len(one.segment_ids) == length
            assert len(one.masked_lm_weights) == len(one.masked_lm_ids) == num_predictions
            assert list(one.input_mask) == [1] * num_tokens + [0] * (length - num_tokens)
            assert ids[0] == vocabulary.cls_id
            assert ids.count(vocabulary.sep_id) == 2
            assert ids[num_tokens - 1] == vocabulary.sep_id
            assert not any(ids[num_tokens:])
            assert list(one.segment_ids) == (
                [0] * first + [1] * (num_tokens - first) + [0] * (length - num_tokens)
            )
            assert num_masked == min(num_predictions, max(1, round(num_tokens * 0.15)))
            assert one.next_sentence_labels in ([0], [1])


def test_google_s_format_is_drawn_from_the_seed(make_config, write_dump, make_article):
    """The same seed gives the same bytes, another one others."""
    write_dump(*(make_article(page) for page in range(1, 11)))
    configs = [
        make_config(name, format="google", seed=seed)
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    ]

    for config in configs:
        run(config)

    files = [read_files(config.dataset) for config in configs]
    assert files[0] == files[1] != files[2]


def read_instances(dataset, length):
    shards = read_manifest(dataset)["lengths"][length]["shards"]
    return [
        decode_instance(record, source="a record")
        for shard in shards
        for record in read_records(dataset / shard["file"])
    ]
