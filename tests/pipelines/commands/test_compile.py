"""The command `compile`: its own recipe, and what it refuses."""

import subprocess
import sys

import pytest
import yaml

from tests.pipelines.cli import run_command


def test_the_recipe_can_be_another(tmp_path):
    """By the flags of `plan`; five machines can't share the recipe's own batch."""
    output = tmp_path / "bert.yaml"
    machines = ("--hardware", "dgx-2x5", "--output", output)
    refused = run_command("compile", "bert", *machines)

    done = run_command(
        "compile", "bert", *machines, "--preset", "base", "--global-batch-size", "61440"
    )

    assert "65536 cannot be cut" in refused.last_error
    assert done.returncode == 0, done.stderr
    (spec, _) = yaml.safe_load_all(output.read_text("utf-8"))
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert parameters["preset"]["defaultValue"] == "base"
    assert parameters["pretrain_128_global_batch_size"]["defaultValue"] == 61_440
    assert parameters["pretrain_512_global_batch_size"]["defaultValue"] == 30_720


@pytest.mark.parametrize(
    ("pipeline", "flag"),
    [
        ("squad", "--global-batch-size"),
        ("classification", "--global-batch-size"),
        ("classification", "--finetune-global-batch-size"),
    ],
)
def test_a_batch_of_another_pipeline_is_rejected(tmp_path, pipeline, flag):
    """It would change nothing there."""
    done = run_command("compile", pipeline, flag, 64, "--output", tmp_path / "package.yaml")

    assert done.returncode == 2
    assert done.last_error.endswith(
        f"{flag}: of no effect in a package of {pipeline}; leave it out"
    )


@pytest.mark.parametrize("flags", [("retraining", "--hardware", "dgx-2x4"), ("classification",)])
def test_a_volume_is_mounted_into_every_step(tmp_path, flags):
    """In the loop and in the condition too; an MPIJob's pods take it over from its step."""
    output = tmp_path / "package.yaml"

    done = run_command("compile", *flags, "--volume", "bert-data:/mnt/bert", "--output", output)

    assert done.returncode == 0, done.stderr
    (_, platform) = yaml.safe_load_all(output.read_text("utf-8"))
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    mounts = [settings["pvcMount"] for settings in executors.values()]
    assert len(mounts) >= 3
    for (mount,) in mounts:
        assert (mount["constant"], mount["mountPath"]) == ("bert-data", "/mnt/bert")


@pytest.mark.parametrize("text", ["bert", "bert:mnt", "Bert:/mnt", ":/mnt", "bert:/", "b:/mnt:ro"])
def test_a_volume_is_a_claim_and_a_path(tmp_path, text):
    """Said before the package is written."""
    done = run_command("compile", "bert", "--volume", text, "--output", tmp_path / "bert.yaml")

    assert done.returncode == 2
    assert "--volume must be a claim's name and an absolute path" in done.last_error
    assert repr(text) in done.last_error
    assert not (tmp_path / "bert.yaml").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bert.json", "must end with .yaml"),
        ("file/bert.yaml", "File exists; name a file that can be written"),
        ("folder.yaml", "Is a directory; name a file that can be written"),
    ],
)
def test_a_file_that_cannot_be_written_is_rejected(tmp_path, name, said):
    """By its name, without a traceback."""
    (tmp_path / "file").touch()
    (tmp_path / "folder.yaml").mkdir()

    done = run_command("compile", "bert", "--output", tmp_path / name)

    assert done.returncode == 2
    assert done.last_error == f"compile: error: --output {tmp_path / name}: {said}"


def test_a_reader_that_ends_early_is_no_error():
    """`plan | head`: nothing on stderr, and a shell's status for a broken pipe."""
    command = [sys.executable, "-m", "pipelines", "plan", "--hardware", "dgx-2"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        error = process.stderr.read()

    assert (process.returncode, error) == (141, b"")
