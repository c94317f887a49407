"""Publishes, lists, fetches and removes the versions of a model, and switches between them.

Two publishers at once: each writes a version of its own, and the pointer is switched only by
whoever knows what it points to; the other gets a SwitchedError and decides anew.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from components.shared.errors import DamagedError, InputError
from components.shared.files.atomic import sha256, whole_folder
from components.shared.files.formats import decode_stamped, stamp
from components.shared.model_store.layout import (
    CURRENT,
    DECISION,
    DECISIONS,
    LINEAGES,
    MODEL_JSON,
    MODEL_LINEAGE,
    VERSIONS,
    NotedDecision,
    Pointer,
    expect_version,
    is_older,
    name_version,
    parse_description,
)
from components.shared.model_store.places import BucketPlace, FolderPlace, Place
from components.shared.storage.locations import SCHEMES, expect_path_or_bucket
from components.shared.storage.transfers import open_bucket

_DECISIONS_KEPT = 100
# Longer than any upload: what is older and was never in use has no publisher any more.
_ABANDONED_AFTER = timedelta(days=1)


class SwitchedError(InputError):
    """Somebody else has switched to another version in the meantime."""


class ModelStore:
    """The versions of a model, at most one of which is in use.

    Each method raises InputError where the place can't be read or written, UnreachableError
    where it may be able to later.
    """

    def __init__(self, address: str, place: Place) -> None:
        self._address, self._place = address.rstrip("/"), place

    def __str__(self) -> str:
        return self._address

    def find_current(self) -> str | None:
        """Return the version in use, or None if nothing was released."""
        pointer, _ = self._read_pointer()
        return pointer.version if pointer else None

    def list_previous(self) -> tuple[str, ...]:
        """Return the versions that were in use before the current one, the last one first."""
        pointer, _ = self._read_pointer()
        return pointer.previous if pointer else ()

    def list_versions(self) -> list[str]:
        """Return the whole versions, the oldest first."""
        return self._place.list_whole()

    def find_path(self, version: str, name: str) -> str:
        """Return the path or address of a version's file or folder."""
        return f"{self._join(version)}/{name}"

    def locate(self, version: str, name: str) -> str:
        """Return the URI of a version's file or folder."""
        path = self.find_path(version, name)
        return path if path.startswith(SCHEMES) else Path(path).resolve().as_uri()

    def describe(self, version: str) -> dict[str, Any]:
        """Return what a version's model.json says.

        Raises:
            InputError: if there is no such version, or the file is damaged.
        """
        return parse_description(self._read_model_json(version), source=self._join(version))[1]

    def fetch(self, version: str, folder: Path) -> Path:
        """Copy a version's files, checked, into a folder, which is replaced, and return it.

        The model itself is in `folder / "model"`. A version may be removed while it is fetched
        when it is no longer in use: ask for the current one again.

        Raises:
            InputError: if there is no such version.
            DamagedError: if a file is not as it was published.
        """
        text = self._read_model_json(version)
        description, _ = parse_description(text, source=self._join(version))
        with whole_folder(folder) as scratch:
            self._copy(version, description.files, scratch)
            (scratch / MODEL_JSON).write_text(text, encoding="utf-8")
        return folder

    def read(self, version: str, name: str) -> str:
        """Return the text of one of a version's files, checked.

        Raises:
            InputError: if there is no such version or file.
            DamagedError: if it is not as it was published.
        """
        text = self._read_model_json(version)
        description, _ = parse_description(text, source=self._join(version))
        if name not in description.files:
            raise InputError(f"{self._join(version)}/{name}: no such file; take another version")
        with tempfile.TemporaryDirectory(prefix="model-store-") as scratch:
            folder = Path(scratch)
            self._copy(version, {name: description.files[name]}, folder)
            return (folder / name).read_text("utf-8")

    def publish(self, content: Path, description: Mapping[str, Any]) -> str:
        """Keep a folder as a new version, whole or not at all, without switching to it.

        Args:
            content: the version's files: `model/`, README.md and the like; gets its model.json.
            description: what model.json says beside its stamp, `version` and `files`.

        Returns:
            The version's name.
        """
        paths = sorted(path for path in content.rglob("*") if path.is_file())
        files = {path.relative_to(content).as_posix(): sha256(path) for path in paths}
        fields = {**description, "files": files}
        version = name_version(hashlib.sha256(json.dumps(fields).encode()).hexdigest())
        text = json.dumps({**stamp(MODEL_JSON), "version": version, **fields}, indent=2) + "\n"
        (content / MODEL_JSON).write_text(text, encoding="utf-8")
        self._place.write_version(version, content)
        return version

    def switch(self, version: str, *, expected: str | None) -> None:
        """Put a version in use.

        Args:
            version: a whole one.
            expected: the version in use until now, None if there was none.

        Raises:
            SwitchedError: if another version is in use by now.
            InputError: if there is no such version.
        """
        self._read_model_json(version)
        pointer, tag = self._read_pointer()
        current = pointer.version if pointer else None
        if current == expected:
            previous = (pointer.version, *pointer.previous) if pointer else ()
            used = tuple(name for name in previous if name != version)
            if self._place.current.replace(Pointer(version, used).compose(), tag=tag):
                return
            current = self.find_current()
        # The answer to a write of our own may have been lost, and the write been repeated.
        if current != version:
            raise SwitchedError(
                f"{self._address}/{CURRENT}: {current or 'no version'} is in use now, where "
                f"{expected or 'no version'} was; compare with it, and release again"
            )

    def remove(self, version: str) -> None:
        """Remove a version.

        Raises:
            InputError: if it is in use.
        """
        expect_version(version)
        if version == self.find_current():
            raise InputError(f"{self._join(version)}: is in use; roll back to another one first")
        self._remove(version)

    def prune(self, keep_versions: int) -> list[str]:
        """Remove old versions, and return their names.

        A version that was never in use may be another publisher's, who is about to switch to it:
        it stays for a day, as does what is not whole.

        Args:
            keep_versions: how many of those that were in use to keep, the current one included.
        """
        pointer, _ = self._read_pointer()
        used = (pointer.version, *pointer.previous) if pointer else ()
        whole, broken = set(self._place.list_whole()), self._place.list_broken()
        left = [name for name in used if name in whole]
        abandoned = [
            name for name in (*(whole - {*used}), *broken) if is_older(name, _ABANDONED_AFTER)
        ]
        removed = []
        for version in (*left[max(1, keep_versions) :], *abandoned):
            if version != self.find_current():  # a rollback may be under way
                self._remove(version)
                removed.append(version)
        return sorted(removed)

    def find_lineage(self, checksum: str) -> str | None:
        """Return the text of a lineage.json by its SHA-256: of a version, or one that was removed.

        Returns:
            None if no version has or had it.

        Raises:
            DamagedError: if it was altered.
        """
        for version in self.list_versions():
            described, _ = parse_description(
                self._read_model_json(version), source=self._join(version)
            )
            if described.files.get(MODEL_LINEAGE) == checksum:
                return self.read(version, MODEL_LINEAGE)
        name = f"{LINEAGES}/{checksum}.json"
        text = self._place.read(name)
        if text is not None and hashlib.sha256(text.encode()).hexdigest() != checksum:
            raise DamagedError(f"{self._address}/{name}: altered since it was written")
        return text

    def note(self, decision: NotedDecision) -> None:
        """Keep what became of a model; of many decisions, the oldest go."""
        self._place.write_decision(decision.name, decision.compose())
        for name in self._place.list_decisions()[:-_DECISIONS_KEPT]:
            self._place.remove_decision(name)

    def list_decisions(self) -> list[NotedDecision]:
        """Return what became of the models that were to be released, the oldest first.

        Raises:
            InputError: if a file is broken.
        """
        decisions = []
        for name in self._place.list_decisions():
            file = f"{DECISIONS}/{name}.json"
            text = self._place.read(file)
            if text is None:  # somebody else notes a decision, and removes the oldest
                continue
            decisions.append(
                decode_stamped(
                    text,
                    NotedDecision,
                    kind=DECISION,
                    source=f"{self._address}/{file}",
                    remedy="remove this file",
                )
            )
        return sorted(decisions, key=lambda one: one.time)

    def _remove(self, version: str) -> None:
        """Remove a version but for its lineage, which those trained from it name."""
        lineage = self._place.read(f"{VERSIONS}/{version}/{MODEL_LINEAGE}")
        if lineage is not None:
            self._place.write_lineage(hashlib.sha256(lineage.encode()).hexdigest(), lineage)
        self._place.remove_version(version)

    def _copy(self, version: str, files: Mapping[str, str], folder: Path) -> None:
        """Copy files of a version, by name with their SHA-256, and compare them with it."""
        self._place.copy_version(version, files, folder)
        for name, expected in files.items():
            if sha256(folder / name) != expected:
                raise DamagedError(
                    f"{self._join(version)}/{name}: altered since it was published; take "
                    "another version"
                )

    def _read_pointer(self) -> tuple[Pointer | None, str | None]:
        found = self._place.current.read()
        if found is None:
            return None, None
        text, tag = found
        source = f"{self._address}/{CURRENT}"
        remedy = 'write {"version": "NAME"} into it, with a NAME that stands under versions/'
        return decode_stamped(text, Pointer, kind=CURRENT, source=source, remedy=remedy), tag

    def _read_model_json(self, version: str) -> str:
        expect_version(version)
        text = self._place.read(f"{VERSIONS}/{version}/{MODEL_JSON}")
        if text is None:
            raise InputError(
                f"{self._join(version)}: no such version; `python -m pipelines models list` "
                "shows those there are"
            )
        return text

    def _join(self, version: str) -> str:
        return f"{self._address}/{VERSIONS}/{version}"


def open_store(address: str) -> ModelStore:
    """Open the model store in a folder, gs://, s3:// or minio:// address.

    Nothing is written: a store comes into being with its first version.

    Raises:
        InputError: if the address is another kind of URL, names no bucket, or there are no
            credentials.
    """
    expect_path_or_bucket("model_store", address)
    if address.startswith(SCHEMES):
        return ModelStore(address, BucketPlace(open_bucket(address)))
    return ModelStore(address, FolderPlace(Path(address)))
