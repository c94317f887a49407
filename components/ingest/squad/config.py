"""The settings of ingest for question answering."""

from dataclasses import dataclass, field
from pathlib import Path

from components.ingest.config import CheckpointConfig, SquadFilesConfig, expect_given


@dataclass(frozen=True, kw_only=True)
class IngestSquadConfig(CheckpointConfig, SquadFilesConfig):
    """Fetch SQuAD files and an initial checkpoint, and verify each file.

    Every file may be a path or an http(s)://, gs:// or s3:// URL, followed by conditions that the
    file must meet: `https://…/train.json#sha256=<hex>`.
    """

    given_checkpoint: Path
    """Output: copy of the initial checkpoint."""

    initial_checkpoint: str = field()  # no default, other than its base's
    """Checkpoint to start from, in this project's, Google's or Hugging Face's format: a folder or
    an archive (.zip, .tar.gz), as a path or a gs:// or s3:// URL; an archive also as an http(s)://
    URL."""

    def __post_init__(self) -> None:
        super().__post_init__()
        SquadFilesConfig.__post_init__(self)
        expect_given(self, "initial_checkpoint")
