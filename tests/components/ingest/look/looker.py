"""A scheduled run's first and last steps."""

import json
from pathlib import Path

from components.ingest.look import look
from components.ingest.look_config import LookConfig, RecordConfig
from components.ingest.record import record

OUTPUTS = (
    "is_new", "found_dump", "found_checkpoint", "fingerprint", "inputs", "changes",
    "dump_checkpoints",
)  # fmt: skip


class Looker:
    """Looks, and notes what it found, as a scheduled run does."""

    def __init__(
        self, folder: Path, dump: str, record: str, dump_site: str = "http://none", **settings
    ) -> None:
        self.folder, self.dump, self.record, self.dump_site = folder, dump, record, dump_site
        self.settings = settings

    def look(self) -> tuple[bool, str]:
        """Whether it is new, and the dump that was found."""
        outputs = {name: self.folder / name for name in OUTPUTS}
        look(
            LookConfig(
                dump=self.dump,
                record=self.record,
                dump_site=self.dump_site,
                max_retries=0,
                timeout_seconds=60,
                checkpoint_directory="s3://bucket/checkpoints/",
                **self.settings,
                **outputs,
            )
        )
        return json.loads(outputs["is_new"].read_text()), outputs["found_dump"].read_text()

    def note(self) -> None:
        """Note what was found."""
        found, fingerprint, inputs = (
            (self.folder / name).read_text() for name in ("found_dump", "fingerprint", "inputs")
        )
        record(RecordConfig(dump=found, fingerprint=fingerprint, inputs=inputs, record=self.record))

    def changes(self) -> list[str]:
        """Look, and return the change reported for each input."""
        self.look()
        changed = json.loads((self.folder / "changes").read_text())["changed"]
        return changed.split(", ") if changed else []
