"""The ingest stage as a whole."""

import hashlib
import json
import signal
import subprocess
import sys

import google_crc32c
import pytest

from components.ingest.config import IngestConfig
from components.ingest.look import look
from components.ingest.look_config import LookConfig
from components.ingest.run import run
from components.shared.checkpoints.checkpoint_manifest import is_none
from components.shared.errors import InputError
from components.shared.files.formats import stamp
from components.shared.squad.data import read_squad
from tests.components.ingest.misbehaving_server import Answer
from tests.components.ingest.samples import (
    VOCABULARY,
    make_export,
    make_google_folder,
    make_squad,
    outputs,
)
from tests.executor_inputs import as_on_cluster
from tests.waiting import LONGEST_SECONDS

LOOK_OUTPUTS = ("is_new", "found_dump", "fingerprint", "inputs", "changes", "dump_checkpoints")

COMMAND = [sys.executable, "-m", "components.ingest"]


def flags(settings):
    """The settings as a command line has them."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]


def test_local_files_are_handed_on(tmp_path, settings, inputs):
    """Linked, with a manifest of the dump, and metadata for Kubeflow."""
    metadata = run(IngestConfig(**settings))

    name = "testwiki-20260101-pages-articles.xml.bz2"
    content = inputs.dump.read_bytes()
    assert (settings["dump_files"] / name).samefile(inputs.dump)
    assert json.loads((settings["dump_files"] / "dump.json").read_text()) == {
        **stamp("dump.json"),
        "files": [
            {
                "name": name,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "crc32c": google_crc32c.Checksum(content).hexdigest().decode(),
                "source": str(inputs.dump),
                "wiki": "testwiki",
                "date": "2026-01-01",
            }
        ],
    }
    assert settings["given_vocabulary"].read_text() == VOCABULARY
    assert len(read_squad(settings["squad"] / "train.json").questions) == 8
    assert len(read_squad(settings["squad"] / "dev.json").questions) == 2
    assert metadata == {
        "dump_files": {
            "files": 1,
            "bytes": len(content),
            "wiki": "testwiki",
            "date": "2026-01-01",
        },
        "text_files": {"files": 0, "bytes": 0},
        "squad": {"train_questions": 8, "dev_questions": 2},
        "given_vocabulary": {"pieces": 7},
    }


def test_secrets_of_addresses_are_nowhere_but_in_requests(
    tmp_path, settings, inputs, server, capfd
):
    """Neither in messages nor in what is written, kept downloads included."""
    busy = Answer(status=503, headers={"Retry-After": "0"})
    server.serve("/squad.json", busy, Answer(inputs.squad.read_bytes()))
    dump = server.serve("/a-20260101.xml.bz2", Answer(inputs.dump.read_bytes()))
    secret = [
        url.replace("http://", "http://hidden1:hidden2@") + "?token=hidden3"
        for url in (server.serve("/squad.json", *server.answers["/squad.json"]), dump)
    ]
    given = {"squad_train": secret[0], "dump": secret[1], "max_retries": 1}
    kept = tmp_path / "kept"

    run(IngestConfig(**settings | given | {"download_directory": str(kept)}))
    server.serve("/a-20260101.xml.bz2", Answer(status=403))
    with pytest.raises(InputError) as caught:
        run(IngestConfig(**settings | given))
    site = server.serve("", Answer(status=503)).replace("http://", "http://hidden1:hidden2@")
    with pytest.raises(InputError) as of_site:
        look(
            LookConfig(
                **{name: tmp_path / name for name in LOOK_OUTPUTS},
                dump="testwiki-latest",
                dump_site=f"{site}/?a=hidden3",
                record=str(tmp_path / "record"),
                max_retries=0,
            )
        )

    assert server.requests[0]["Authorization"]
    shown = [str(caught.value), str(of_site.value), *capfd.readouterr()]
    written = [path.read_text(errors="replace") for path in kept.rglob("*") if path.is_file()]
    written += [
        path.read_text(errors="replace") for path in (tmp_path / "out").rglob("*") if path.is_file()
    ]
    assert not [text for text in shown + written if "hidden" in text]
    assert len(written) > 6
    notes = list(kept.rglob("*.part.json"))
    assert [note.stat().st_mode & 0o777 for note in notes] == [0o600] * 2


@pytest.mark.parametrize("place", ["disk", "download_directory"])
def test_a_full_disk_is_told_in_a_line(settings, small_disk, server, inputs, place):
    """Of outputs or of downloads; nothing half-written is left."""
    text = server.serve("/a.txt", Answer(bytes(1 << 20), repeats_after_seconds=0))
    given = {"text": text} if place != "disk" else {"squad": small_disk / "out" / "squad"}
    if place == "disk":
        document = make_squad(10)
        document["data"][0]["title"] = "x" * (1 << 16)
        inputs.squad.write_text(json.dumps(document))
    else:
        given["download_directory"] = str(small_disk / "kept")

    with pytest.raises(InputError, match=rf"^{small_disk}/.*: No space left on device; free some"):
        run(IngestConfig(**settings | given))

    assert not settings["dump_files"].exists()
    assert not (small_disk / "out" / "squad").exists()


def test_an_output_that_can_not_be_written_is_told_before_the_work(settings, tmp_path, server):
    """Not after hours of downloads."""
    (tmp_path / "file").touch()
    url = server.serve("/squad.json", Answer(b"{}"))
    given = {"squad_train": url, "squad": tmp_path / "file" / "squad"}

    with pytest.raises(InputError, match="file is not a folder; give the output another path"):
        run(IngestConfig(**settings | given))

    assert not server.requests


def test_a_checkpoint_brings_its_vocabulary(settings, tmp_path):
    """Another one beside it is rejected, and nothing is written; the same one is not."""
    folder = make_google_folder(tmp_path / "model")
    named = {
        "initial_checkpoint": str(folder),
        "given_checkpoint": tmp_path / "out" / "given_checkpoint",
    }
    (folder / "vocab.txt").write_text(f"{VOCABULARY}more\n")

    with pytest.raises(InputError, match=r"vocab\.txt: differs from the vocabulary of .*model"):
        run(IngestConfig(**settings | named))
    assert not (tmp_path / "out").exists() or outputs(tmp_path) == []

    metadata = run(IngestConfig(**settings | named | {"vocabulary": ""}))
    assert settings["given_vocabulary"].read_text() == f"{VOCABULARY}more\n"
    assert (named["given_checkpoint"] / "bert_model.ckpt.index").read_bytes() == b"index"
    assert metadata["given_vocabulary"] == {"pieces": 8}
    assert metadata["given_checkpoint"] == {"source": str(folder)}
    run(IngestConfig(**settings | named | {"vocabulary": str(folder / "vocab.txt")}))


def test_without_a_checkpoint_a_note_stands_in_its_place(settings, tmp_path):
    """An object store keeps no empty folder."""
    run(IngestConfig(**settings, given_checkpoint=tmp_path / "out" / "given"))
    with pytest.raises(InputError, match="given_checkpoint is missing"):
        run(IngestConfig(**settings, initial_checkpoint="x"))

    assert is_none(tmp_path / "out" / "given")


def test_no_vocabulary_gives_an_empty_file(settings):
    """The next stage trains one then."""
    metadata = run(IngestConfig(**{**settings, "vocabulary": ""}))

    assert settings["given_vocabulary"].read_bytes() == b""
    assert metadata["given_vocabulary"] == {"pieces": 0}


def test_a_development_set_is_taken_as_it_is(tmp_path, settings, inputs):
    """And the training set stays whole."""
    dev = tmp_path / "dev.json"
    dev.write_text(json.dumps(make_squad(3)))

    metadata = run(IngestConfig(**settings, squad_dev=str(dev)))

    assert metadata["squad"] == {"train_questions": 10, "dev_questions": 3}
    assert (settings["squad"] / "train.json").samefile(inputs.squad)


def test_the_next_run_replaces_the_outputs(tmp_path, settings):
    """No file of the first dump remains."""
    run(IngestConfig(**settings))
    export = tmp_path / "export.xml"
    export.write_bytes(make_export())

    run(IngestConfig(**{**settings, "dump": str(export)}))

    assert sorted(path.name for path in settings["dump_files"].iterdir()) == [
        "dump.json",
        "export.xml",
    ]


def test_everything_can_come_from_a_server(tmp_path, server, settings, inputs):
    """Checked against the server's list of checksums; the downloads are removed."""
    dump = inputs.dump.read_bytes()
    sums = f"{hashlib.sha1(dump).hexdigest()}  {inputs.dump.name}\n"
    remote = {
        "dump": server.serve(f"/d/{inputs.dump.name}", Answer(dump)),
        "squad_train": server.serve("/train.json", Answer(inputs.squad.read_bytes())),
        "vocabulary": server.serve("/vocab.txt", Answer(inputs.vocabulary.read_bytes())),
        "checksums": server.serve("/sha1sums.txt", Answer(sums.encode())),
    }

    run(IngestConfig(**{**settings, **remote}))

    assert (settings["dump_files"] / inputs.dump.name).read_bytes() == dump
    assert outputs(tmp_path) == [
        "dump_files",
        "dump_files/dump.json",
        f"dump_files/{inputs.dump.name}",
        "given_vocabulary",
        "squad",
        "squad/dev.json",
        "squad/train.json",
        "text_files",
        "text_files/text.json",
    ]


def test_a_wrong_byte_is_found_by_the_published_checksum(tmp_path, server, settings):
    """Nothing is written, and nothing of the download remains to be taken for good."""
    right = make_export()
    wrong = right.replace(b"Text 1", b"Test 1")
    expected, got = hashlib.md5(right).hexdigest(), hashlib.md5(wrong).hexdigest()
    sums = tmp_path / "md5sums.txt"
    sums.write_text(f"{expected}  export.xml\n")
    url = server.serve("/export.xml", Answer(wrong))
    kept = tmp_path / "downloads"

    config = IngestConfig(
        **{**settings, "dump": url}, checksums=str(sums), download_directory=str(kept)
    )
    with pytest.raises(InputError, match=f"{url}: md5 {got}, expected {expected}"):
        run(config)
    assert not (tmp_path / "out").exists()
    assert not [path for path in kept.rglob("*") if path.is_file()]


def spoil(name, content):
    """A function that gives one input other content."""

    def change(inputs):
        getattr(inputs, name).write_bytes(content)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil("dump", b""), "bz2: the file is empty"),
        (spoil("dump", b"<html><title>No</title>"), "bz2: an HTML page titled 'No'"),
        (spoil("dump", b"<mediawiki>"), "bz2: its name says bz2"),
        (spoil("squad", b'{"data": [{"paragraphs": 3}]}'), r"squad.json: data\[0\].paragraphs"),
        (spoil("squad", b'{"data": ['), "squad.json: line 1, column 11: not JSON"),
        (spoil("vocabulary", b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n"), r"vocab.txt: \[MASK\] missing"),
        (lambda inputs: inputs.dump.unlink(), "bz2: no such file"),
    ],
)
def test_a_bad_input_leaves_no_output(tmp_path, settings, inputs, change, said):
    """Not even of the good ones: a stage succeeds or fails as a whole."""
    change(inputs)

    with pytest.raises(InputError, match=said):
        run(IngestConfig(**settings))
    assert not (tmp_path / "out").exists() or not outputs(tmp_path)


def test_two_files_of_one_name_are_rejected(tmp_path, settings, inputs):
    """They would take each other's place in the output."""
    other = tmp_path / inputs.dump.name
    other.write_bytes(inputs.dump.read_bytes())

    with pytest.raises(InputError, match=f"{other}: {inputs.dump} has the name"):
        run(IngestConfig(**{**settings, "dump": f"{inputs.dump},{other}"}))


def test_a_pattern_may_hold_only_exports(tmp_path, settings, inputs):
    """Its other matches are named."""
    with pytest.raises(InputError, match=r"squad\.json: unknown kind of file"):
        run(IngestConfig(**{**settings, "dump": f"{inputs.dump.parent}/*"}))


@pytest.mark.parametrize("form", [lambda same: same, as_on_cluster], ids=["kfp.local", "cluster"])
def test_kubeflow_starts_the_stage_by_its_executor_input(tmp_path, settings, form):
    """The real command; numbers come as doubles, metadata goes to the output file."""
    names = ["dump_files", "text_files", "squad", "given_vocabulary"]
    artifacts = {
        name: {"artifacts": [{"name": name, "uri": str(settings.pop(name)), "metadata": {}}]}
        for name in names
    }
    output_file = tmp_path / "out" / "executor_output.json"
    executor_input = form(
        {
            "inputs": {
                "parameterValues": {**settings, "max_retries": 5.0, "timeout_seconds": 60.0}
            },
            "outputs": {"artifacts": artifacts, "outputFile": str(output_file)},
        }
    )

    subprocess.run([*COMMAND, "--executor-input", json.dumps(executor_input)], check=True)

    written = json.loads(output_file.read_text())["artifacts"]
    assert written["squad"]["artifacts"][0]["metadata"] == {
        "train_questions": 8,
        "dev_questions": 2,
    }
    assert written["dump_files"]["artifacts"][0]["metadata"]["files"] == 1
    assert written["text_files"]["artifacts"][0]["metadata"]["files"] == 0


def test_a_bad_input_ends_the_command_with_one_message(settings, inputs):
    """Status 2, no traceback, the message last."""
    inputs.dump.write_bytes(inputs.dump.read_bytes()[:-20])

    ended = subprocess.run(
        [*COMMAND, *flags(settings)], check=False, capture_output=True, text=True
    )

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(f"ingest: error: {inputs.dump}: cut short")
    assert "Traceback" not in ended.stderr


def test_a_bad_setting_ends_the_command_with_one_message(settings):
    """As a bad file does, and not in a box of the flags' parser."""
    command = [*COMMAND, *flags({**settings, "dump": "dump.7z"})]

    ended = subprocess.run(command, check=False, capture_output=True, text=True)

    assert ended.returncode == 2
    assert ended.stderr.startswith("ingest: error: dump.7z: unknown kind of file")


def test_an_interrupted_command_resumes_where_it_broke(tmp_path, server, settings, inputs):
    """Ctrl-C during a download, then the same command."""
    content = inputs.dump.read_bytes()
    url = server.serve(
        f"/{inputs.dump.name}",
        Answer(content, cut_after=len(content) - 50),
        Answer(status=503, headers={"Retry-After": "60"}),
        Answer(content),
    )
    kept = tmp_path / "kept"
    command = [*COMMAND, *flags({**settings, "dump": url, "download_directory": kept})]

    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert started.stderr is not None
    for line in started.stderr:
        if "503" in line:
            break
    started.send_signal(signal.SIGINT)
    message = started.communicate(timeout=LONGEST_SECONDS)[1]
    assert started.returncode == 130
    assert message.splitlines()[-1].endswith("interrupted")
    assert not outputs(tmp_path)

    subprocess.run(command, check=True)

    assert int(server.requests[-1]["Range"].removeprefix("bytes=").removesuffix("-")) > 0
    assert (settings["dump_files"] / inputs.dump.name).read_bytes() == content
