"""The commands of `python -m pipelines`: what they have in common."""

import subprocess
import sys

import pytest

from components.shared.stage.settings import list_settings
from pipelines.catalog import PIPELINES
from pipelines.commands import (
    clean,
    compile,  # noqa: A004 - the command's name
    follow,
    models,
    plan,
    push,
    register,
    run,
    runs,
    schedule,
    submit,
)
from pipelines.machines.hardware import HARDWARE
from tests.pipelines.cli import run_command

SETTINGS = {
    "run": run.RunSettings,
    "compile": compile.CompileSettings,
    "plan": plan.PlanSettings,
    "push": push.PushSettings,
    "register": register.RegisterSettings,
    "submit": submit.SubmitSettings,
    "follow": follow.FollowSettings,
    "runs": runs.RunsSettings,
    "schedule": schedule.ScheduleSettings,
    "models": models.ModelsSettings,
    "clean": clean.CleanSettings,
}


def test_help_lists_the_commands_with_a_line_each():
    """That of their docstrings."""
    done = run_command("--help")

    assert done.returncode == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line[:2] == "  "]
    assert [name for name, _ in lines] == list(SETTINGS)
    assert ["clean", "remove what finished runs left in storage"] in lines


@pytest.mark.parametrize(
    ("arguments", "said"), [((), "  schedule  make a"), (("prune",), "got 'prune'; see --help")]
)
def test_a_missing_or_unknown_command_is_rejected(arguments, said):
    """With the known ones, and status 2."""
    command = [sys.executable, "-m", "pipelines", *arguments]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_has_a_text(name):
    """--help shows it."""
    settings = list_settings(SETTINGS[name]).values()

    assert not [one.name for one in settings if not one.text]


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "run"])
def test_each_setting_is_in_help(name, monkeypatch):
    """Those without a flag by their names or choices."""
    monkeypatch.setenv("COLUMNS", "200")

    done = run_command(name, "--help")

    assert done.returncode == 0
    for one in list_settings(SETTINGS[name]).values():
        word = ",".join(one.choices) if one.choices else one.name.upper()
        flag = f"--{one.name.replace('_', '-')}"
        assert f" {flag} " in done.stdout or (one.is_positional and word in done.stdout)


def test_texts_name_all_machines_and_pipelines():
    """They are the names that a user has to know."""
    settings = list_settings(compile.CompileSettings)

    assert not [name for name in HARDWARE if name not in settings["hardware"].text]
    names = (*PIPELINES, compile.RETRAINING)
    assert not [name for name in names if f"{name}:" not in settings["pipeline"].text]


def test_the_environment_says_how_to_reach_the_cluster(kfp, monkeypatch):
    """A flag comes before it."""
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", kfp.address)

    done = run_command("runs")
    elsewhere = run_command("runs", "--host", "ftp://elsewhere")

    assert done.returncode == 0, done.stderr
    assert elsewhere.returncode == 2
    assert "--host ftp://elsewhere: must begin with http://" in elsewhere.last_error
