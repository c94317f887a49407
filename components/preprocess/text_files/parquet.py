"""Parquet files: their row groups, and the texts in them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyarrow
import pyarrow.parquet

from components.preprocess.outcomes import NULL
from components.preprocess.text_files.records import Record
from components.shared.errors import InputError

# Few: a file of some hundred bytes may repeat one text of megabytes in all its rows. At 250 MB a
# second this is still far faster than what the texts then go through.
_ROWS_AT_ONCE = 4


def list_row_groups(path: str, file: BinaryIO, field: str) -> list[int]:
    """The bytes of each row group, as they are without compression.

    Raises:
        InputError: if the file is damaged, or its text column is missing or no text.
    """
    with _explained(path):
        parquet = pyarrow.parquet.ParquetFile(file)
        schema, metadata = parquet.schema_arrow, parquet.metadata
    if field not in schema.names:
        columns = ", ".join(map(repr, schema.names)) or "none"
        raise InputError(
            f"{path}: no column {field!r}; its columns are {columns}: name one with text_field"
        )
    kind = schema.field(field).type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    if not _is_text(kind):
        raise InputError(f"{path}: the column {field!r} holds {kind}, not text")
    return [metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)]


def read_rows(path: str, file: BinaryIO, field: str, groups: Sequence[int]) -> Iterator[Record]:
    """The texts of some row groups in UTF-8, by their rows in the file."""
    with _explained(path):
        parquet = pyarrow.parquet.ParquetFile(file)
        row = sum(parquet.metadata.row_group(index).num_rows for index in range(groups[0]))
        batches = parquet.iter_batches(_ROWS_AT_ONCE, row_groups=list(groups), columns=[field])
        for batch in batches:
            for text in batch.column(0).to_pylist():
                if text is None:
                    yield Record(row, b"", NULL)
                else:
                    yield Record(row, text.encode() if isinstance(text, str) else text)
                row += 1


def _is_text(kind: Any) -> bool:
    types = pyarrow.types
    return any(
        check(kind)
        for check in (
            types.is_string,
            types.is_large_string,
            types.is_string_view,
            types.is_binary,
            types.is_large_binary,
        )
    )


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        problem = " ".join(str(error).split())
        raise InputError(f"{path}: damaged Parquet ({problem}); fetch it again") from None
