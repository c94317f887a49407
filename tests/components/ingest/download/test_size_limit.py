"""Files that are larger than their kind may be."""

import pytest

from components.ingest.config import IngestConfig
from components.ingest.run import run
from components.shared.errors import InputError


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("vocabulary", "64000000 bytes, the limit that max_list_mb 64 sets"),
        ("checksums", "64000000 bytes, the limit that max_list_mb 64 sets"),
        ("squad_train", "4000000000 bytes, the limit that max_table_gb 4 sets"),
        ("squad_dev", "4000000000 bytes, the limit that max_table_gb 4 sets"),
        ("dump", "1000000000000 bytes, the limit that max_file_gb 1000 sets"),
        ("text", "1000000000000 bytes, the limit that max_file_gb 1000 sets"),
    ],
)
def test_a_file_far_larger_than_its_kind_is_rejected_unread(settings, tmp_path, name, limit):
    """A dump given as the vocabulary, say, would fill the memory."""
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(InputError, match=f"^{path}: more than {limit}; give another"):
        run(IngestConfig(**settings | {name: str(path)}))


@pytest.mark.parametrize(
    ("name", "limit"),
    [("vocabulary", "max_list_mb"), ("squad_train", "max_table_gb"), ("dump", "max_file_gb")],
)
def test_a_limit_of_size_is_a_setting(settings, name, limit):
    """Lowered here, so that small files are too large."""
    with pytest.raises(InputError, match=f"^{settings[name]}: .* or raise {limit}$"):
        run(IngestConfig(**settings, **{limit: 1e-8}))
