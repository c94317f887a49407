"""A checkpoint says how it came to be, and a link that was altered is found."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.shared.checkpoints.checkpoint_manifest import write_manifest
from components.shared.checkpoints.lineage import (
    LINEAGE,
    Lineage,
    Link,
    compose_lineage,
    find_break,
    read_lineage,
)
from components.shared.files.atomic import sha256

DATASET = '{"format_version": 1, "sources": ["wiki"]}\n'


def train(
    folder: Path,
    label: str,
    *,
    initial: Path | None,
    dataset: str = "",
    makes_model: bool = False,
    adds_to_model: bool = False,
) -> Path:
    """Write the checkpoint that a training writes."""
    folder.mkdir()
    (folder / "bert_model.ckpt.index").write_text(label, encoding="utf-8")
    text = compose_lineage(
        label=label,
        settings={"seed": 1},
        inputs=hashlib.sha256((dataset or label).encode()).hexdigest(),
        initial=initial,
        dataset=dataset,
        makes_model=makes_model,
        adds_to_model=adds_to_model,
    )
    (folder / LINEAGE).write_text(text, encoding="utf-8")
    write_manifest(folder, step=1)
    return folder


@pytest.fixture
def links(tmp_path) -> tuple[Link, ...]:
    """The links of a model that was pretrained in two phases and fine-tuned."""
    short = train(tmp_path / "128", "at 128", initial=None, dataset=DATASET)
    long = train(tmp_path / "512", "at 512", initial=short, dataset=DATASET)
    tuned = train(tmp_path / "squad", "SQuAD", initial=long)
    return read(tuned).links


def read(folder: Path) -> Lineage:
    return read_lineage((folder / LINEAGE).read_text("utf-8"), source=LINEAGE)


def find_break_of(links) -> str:
    return find_break(Lineage(tuple(links)))


def test_a_chain_holds(links):
    """The dataset, which two links have in common, stands in it once."""
    assert [link.label for link in links] == ["SQuAD", "at 512", "at 128"]
    assert [bool(link.dataset) for link in links] == [False, False, True]
    assert links[1].inputs == links[2].inputs
    assert links[2].initial is None
    assert find_break_of(links) == ""


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (1, {"settings": {"seed": 2}}, "SQuAD: at 512, which it started from, was altered"),
        (2, {"settings": {"seed": 2}}, "SQuAD: at 512, which it started from, was altered"),
        (2, {"dataset": '{"sources": []}'}, "SQuAD: at 512, which it started from, was altered"),
        (0, {"initial": None}, "SQuAD: it names no checkpoint that the links below are of"),
    ],
)
def test_the_first_link_that_does_not_hold_is_named(links, place, change, said):
    """With what is wrong."""
    altered = [*links[:place], replace(links[place], **change), *links[place + 1 :]]

    assert find_break_of(altered) == said


def test_a_link_that_is_left_out_is_found(links):
    """At either end of what is missing."""
    assert find_break_of([links[0], links[2]]).startswith("SQuAD: at 128")
    assert find_break_of(links[:2]) == "SQuAD: at 512, which it started from, was altered"
    assert find_break_of(links[:1]) == "SQuAD: the links below it are missing"


def test_an_altered_manifest_or_dataset_is_found(links):
    """By its own checksum."""
    initial = replace(links[0].initial, manifest='{"sha256": {}}')

    assert find_break_of([replace(links[0], initial=initial), *links[1:]]) == (
        "SQuAD: the checkpoint.json of the weights it started from was altered"
    )
    assert find_break_of([replace(links[2], dataset="{}")]) == (
        "at 128: its dataset.json is not the one that was trained on"
    )


def test_what_is_added_to_a_model_stays_in_its_file(tmp_path):
    """An int8 graph, twice here; the next training begins a new file, that names the last one."""
    tuned = train(tmp_path / "squad", "SQuAD", initial=None, makes_model=True)
    once = train(tmp_path / "once", "int8", initial=tuned, adds_to_model=True)
    twice = train(tmp_path / "twice", "int8", initial=once, adds_to_model=True)
    lineage = read(twice)
    after = read(train(tmp_path / "after", "SQuAD", initial=twice, makes_model=True))

    assert [link.label for link in lineage.links] == ["int8", "int8", "SQuAD"]
    assert find_break(lineage) == ""
    altered = replace(lineage.links[2], settings={"seed": 2})
    assert find_break(replace(lineage, links=(*lineage.links[:2], altered))) == (
        "int8: int8, which it started from, was altered"
    )
    assert [link.label for link in after.links] == ["SQuAD"]
    assert after.model_before == sha256(twice / LINEAGE)
    assert find_break(after) == ""


def test_the_chain_begins_at_weights_of_others(tmp_path):
    """Their checksum stands in it."""
    given = tmp_path / "given"
    given.mkdir()
    (given / "model.safetensors").write_text("weights", encoding="utf-8")

    tuned = train(tmp_path / "squad", "SQuAD", initial=given)
    (link,) = read(tuned).links

    assert len(link.initial.fingerprint) == 64
    assert link.initial.manifest == ""
    assert find_break_of([link]) == ""


@pytest.mark.parametrize(
    "stamped",
    [{"format": 1}, {"format_version": 1, "written_by": "kubeflow-bert 0.0.9"}],
    ids=["before writers were named", "another release"],
)
def test_links_of_earlier_releases_hold(tmp_path, stamped):
    """Under one of this release: their text, whose checksum is kept, was another."""
    short = train(tmp_path / "128", "at 128", initial=None, dataset=DATASET)
    document = json.loads((short / LINEAGE).read_text("utf-8"))
    (link,) = document["links"]
    earlier = {**stamped, "links": [{**link, "code": "kubeflow-bert 0.0.9"}]}
    (short / LINEAGE).write_text(json.dumps(earlier, indent=1) + "\n", encoding="utf-8")
    (short / "checkpoint.json").unlink()
    write_manifest(short, step=1)

    tuned = train(tmp_path / "squad", "SQuAD", initial=short)

    links = read(tuned).links
    assert find_break_of(links) == ""
    altered = replace(links[1], code="kubeflow-bert 0.0.8")
    assert find_break_of([links[0], altered]) == "SQuAD: at 128, which it started from, was altered"


def test_a_training_from_a_model_begins_a_new_file(tmp_path):
    """It names the model's by its checksum; so does each training up to the next model."""
    first = train(tmp_path / "first", "SQuAD", initial=None, makes_model=True)
    pretrained = train(tmp_path / "at 128", "at 128", initial=first, dataset=DATASET)
    second = train(tmp_path / "second", "SQuAD", initial=pretrained, makes_model=True)

    checksum = hashlib.sha256((first / LINEAGE).read_bytes()).hexdigest()
    lineage = read(second)
    assert [link.label for link in lineage.links] == ["SQuAD", "at 128"]
    assert [read(folder).model_before for folder in (first, pretrained, second)] == [
        "", checksum, checksum
    ]  # fmt: skip
    assert find_break(read(pretrained)) == find_break(lineage) == ""
    assert find_break(replace(lineage, model_before="0" * 64)) == (
        "SQuAD: at 128, which it started from, was altered"
    )
    assert find_break(replace(read(pretrained), model_before="0" * 64)) == (
        "at 128: it started from another model"
    )
    assert find_break(replace(read(pretrained), model_before="")) == (
        "at 128: the links below it are missing"
    )


def test_the_file_is_readable(tmp_path, monkeypatch):
    """Settings, code and, where it is known, the image."""
    monkeypatch.setenv("STEP_IMAGE", "registry/pretrain@sha256:1")

    folder = train(tmp_path / "128", "at 128", initial=None)

    (link,) = json.loads((folder / LINEAGE).read_text("utf-8"))["links"]
    assert (link["image"], link["settings"]) == ("registry/pretrain@sha256:1", {"seed": 1})
    assert link["code"].startswith("kubeflow-bert ")
