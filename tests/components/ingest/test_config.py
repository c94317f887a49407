"""What the ingest stage refuses before it looks at any file."""

from pathlib import Path
from typing import Any

import pytest

from components.ingest.config import IngestConfig
from components.shared.errors import InputError

GOOD: dict[str, Any] = {
    "dump_files": Path("dump"),
    "text_files": Path("text"),
    "squad": Path("squad"),
    "given_vocabulary": Path("vocab.txt"),
    "dump": "dump.xml.bz2",
    "squad_train": "train.json",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dump": " "}, "no text to pretrain on; give dump, text or both"),
        ({"text": "https://x"}, "the address names no file"),
        ({"squad_train": ""}, "squad_train is empty"),
        ({"dump": "dump.zip"}, "dump.zip: unknown kind of file"),
        ({"vocabulary": "hdfs://bucket/vocab.txt"}, "can't fetch hdfs://"),
        ({"timeout_seconds": 0.0}, "timeout_seconds must be more than 0 .*, got 0.0"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds must be more than 0 .*, got nan"),
        ({"timeout_seconds": float("inf")}, "at most 86400, a day, got inf"),
        ({"timeout_seconds": 1e300}, "at most 86400, a day, got 1e"),
        ({"max_table_gb": float("inf")}, "more than 0 and at most 1000000000, got inf"),
        ({"max_list_mb": 1e305}, "more than 0 and at most 1000000000, got 1e"),
        ({"max_retries": -1}, "max_retries must be 0 or more, got -1"),
        ({"max_listed_objects": 0}, "max_listed_objects must be 1 or more, got 0"),
        ({"max_file_gb": 0.0}, "max_file_gb must be more than 0 .*, got 0.0"),
        ({"max_table_gb": -1.0}, "max_table_gb must be more than 0 .*, got -1.0"),
        ({"max_list_mb": float("nan")}, "max_list_mb must be more than 0 .*, got nan"),
        ({"max_expansion": 1.0}, "max_expansion must be more than 1, got 1.0"),
    ],
)
def test_a_wrong_setting_is_named(changed, said):
    """With what was got."""
    with pytest.raises(InputError, match=said):
        IngestConfig(**{**GOOD, **changed})


def test_only_the_dump_and_a_training_set_must_be_given():
    """All else has a default."""
    assert IngestConfig(**GOOD).max_retries == 5
