import errno
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.shared.errors import InputError
from components.shared.stage.start import main, read_executor_input, settings
from tests.executor_inputs import as_on_cluster


@dataclass(frozen=True, kw_only=True)
class ExampleConfig:
    """An example."""

    text: Path
    """Input."""
    optional: Path | None = None
    """Input that may be missing."""
    result: Path
    """Output."""
    count: int = 3
    """A whole number."""
    rate: float = 0.5
    """A fraction."""
    is_on: bool = True
    """A switch."""
    name: str = ""
    """A name."""


@pytest.fixture(params=[lambda same: same, as_on_cluster], ids=["kfp.local", "cluster"])
def make_executor_input(request, tmp_path):
    """Makes an executor input with given parameters, as each of the two ways to run has it."""

    def artifact(uri):
        return {"artifacts": [{"name": "x", "uri": str(uri), "metadata": {"old": 1}}]}

    def make(**parameters):
        return request.param(
            {
                "inputs": {
                    "parameterValues": parameters,
                    "artifacts": {"text": artifact(tmp_path / "text")},
                },
                "outputs": {
                    "artifacts": {"result": artifact(tmp_path / "result")},
                    "outputFile": str(tmp_path / "out" / "executor_output.json"),
                },
            }
        )

    return make


def start(monkeypatch, run, *arguments):
    run.__module__ = "components.example.run"
    monkeypatch.setattr(sys, "argv", ["example", *arguments])
    main(ExampleConfig, run)


def test_executor_input_gives_paths_and_settings(tmp_path, make_executor_input):
    """Artifacts become paths, parameters settings, the rest keeps its default."""
    config = read_executor_input(ExampleConfig, make_executor_input(name="n"))

    assert config == ExampleConfig(text=tmp_path / "text", result=tmp_path / "result", name="n")


def test_a_list_of_artifacts_or_numbers_is_a_tuple(make_executor_input):
    """What a loop's steps gave, in its order."""

    @dataclass(frozen=True, kw_only=True)
    class Several:
        text: tuple[Path, ...]
        result: Path
        rates: tuple[float, ...]

    executor_input = make_executor_input(rates=[0.5, 1])
    uris = ["s3://b/1/text", "s3://b/2/text"]
    executor_input["inputs"]["artifacts"]["text"]["artifacts"] = [{"uri": uri} for uri in uris]

    config = read_executor_input(Several, executor_input)

    assert config.text == (Path("/s3/b/1/text"), Path("/s3/b/2/text"))
    assert config.rates == (0.5, 1.0)
    assert settings(config) == {"rates": (0.5, 1.0)}


def test_kubeflows_doubles_fit_their_fields(make_executor_input):
    """Kubeflow sends 7.0 for 7, and may send 1 for 1.0."""
    config = read_executor_input(ExampleConfig, make_executor_input(count=7.0, rate=1))

    assert (config.count, type(config.count)) == (7, int)
    assert (config.rate, type(config.rate)) == (1.0, float)


def test_fraction_for_a_whole_number_is_rejected(make_executor_input):
    """7.5 steps are a user's mistake."""
    with pytest.raises(InputError, match=r"count must be a whole number, got 7\.5"):
        read_executor_input(ExampleConfig, make_executor_input(count=7.5))


@pytest.mark.parametrize("name", ["count", "rate"])
def test_a_word_for_a_number_is_rejected(name, make_executor_input):
    """A list of the pipeline's may hold one; it is no fault of the program's."""
    with pytest.raises(InputError, match=f"{name} must be a number, got '3e-5'"):
        read_executor_input(ExampleConfig, make_executor_input(**{name: "3e-5"}))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://b/k", "/gcs/b/k"),
        ("s3://b/k", "/s3/b/k"),
        ("minio://b/k", "/minio/b/k"),
        ("/a", "/a"),
    ],
)
def test_addresses_are_found_where_the_launcher_mounts_them(uri, path, make_executor_input):
    """An object store's address is a path below its mount."""
    executor_input = make_executor_input()
    executor_input["inputs"]["artifacts"]["text"]["artifacts"][0]["uri"] = uri

    assert read_executor_input(ExampleConfig, executor_input).text == Path(path)


def test_custom_path_goes_before_the_address(make_executor_input):
    """Kubeflow may put an artifact elsewhere than its address says."""
    executor_input = make_executor_input()
    executor_input["inputs"]["artifacts"]["text"]["artifacts"][0]["customPath"] = "/elsewhere"

    assert read_executor_input(ExampleConfig, executor_input).text == Path("/elsewhere")


def test_inputs_and_outputs_that_a_stage_does_not_know_are_ignored(tmp_path, make_executor_input):
    """Kubeflow adds some of its own to every step."""
    executor_input = make_executor_input(unknown_setting=1)
    for side in ("inputs", "outputs"):
        unknown = {"artifacts": [{"name": "unknown", "uri": "s3://b/unknown"}]}
        executor_input[side]["artifacts"]["unknown"] = unknown
    executor_input["outputs"]["parameters"] = {"unknown_parameter": {"outputFile": "/tmp/x"}}

    config = read_executor_input(ExampleConfig, executor_input)

    assert config == ExampleConfig(text=tmp_path / "text", result=tmp_path / "result")


def test_run_under_kubeflow_writes_the_metadata(tmp_path, monkeypatch, make_executor_input):
    """The executor's output repeats the artifact with old and new metadata."""
    executor_input = make_executor_input()

    start(
        monkeypatch,
        lambda config: {"result": {"num_rows": config.count}},
        "--executor-input",
        json.dumps(executor_input),
    )

    output = json.loads(Path(executor_input["outputs"]["outputFile"]).read_text())
    assert output["artifacts"].keys() == executor_input["outputs"]["artifacts"].keys()
    artifact = output["artifacts"]["result"]["artifacts"][0]
    assert artifact["metadata"] == {"old": 1, "num_rows": 3}
    assert artifact["uri"] == str(tmp_path / "result")


def test_flags_are_the_fields(monkeypatch):
    """A person sets each field by a flag of its name."""
    configs = []

    def run(config):
        configs.append(config)
        return {}

    start(monkeypatch, run, "--text", "t", "--result", "r", "--count", "5", "--is-on", "false")

    assert configs == [ExampleConfig(text=Path("t"), result=Path("r"), count=5, is_on=False)]


def test_users_error_is_shown_alone(monkeypatch, capsys):
    """A wrong input ends the stage with its message, without a traceback, and status 2."""

    def run(config):
        raise InputError("the file is empty; fetch it again")

    with pytest.raises(SystemExit) as stopped:
        start(monkeypatch, run, "--text", "t", "--result", "r")

    assert stopped.value.code == 2
    assert capsys.readouterr().err == "example: error: the file is empty; fetch it again\n"


def test_a_traceback_shows_no_secret(monkeypatch, capsys):
    """Of an error that nobody foresaw, with an address in it."""

    def fail(config):
        raise ZeroDivisionError("https://me:secret@a.b/c?token=secret")

    with pytest.raises(ZeroDivisionError) as caught:
        start(monkeypatch, fail, "--text", "a", "--result", "b")
    sys.excepthook(caught.type, caught.value, caught.tb)

    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "https://***@a.b/c?***" in shown
    assert shown.count("secret") == 1  # this test's own line of code


def fill_the_disk():
    Path("/dev/full").write_text("x", encoding="utf-8")


def meet_anothers_folder():
    raise PermissionError(errno.EACCES, "Permission denied", "/data/out")


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (
            fill_the_disk,
            "No space left on device; free some there, or give its place more, and run again",
        ),
        (
            meet_anothers_folder,
            "/data/out: Permission denied; give this user the right to it, or another path",
        ),
    ],
)
def test_a_disk_that_does_not_take_the_output_is_told_in_one_line(monkeypatch, capsys, work, said):
    """With what to do, wherever the work met it."""
    with pytest.raises(SystemExit) as ended:
        start(monkeypatch, lambda config: work(), "--text", "a", "--result", "b")

    assert ended.value.code == 2
    assert capsys.readouterr().err == f"example: error: {said}\n"


def test_any_other_error_keeps_its_traceback(monkeypatch):
    """A fault of ours isn't hidden."""

    def run(config):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        start(monkeypatch, run, "--text", "t", "--result", "r")


def test_interrupt_ends_quietly(monkeypatch, capsys):
    """Ctrl-C is no error of the stage."""

    def run(config):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stopped:
        start(monkeypatch, run, "--text", "t", "--result", "r")

    assert stopped.value.code == 130
    assert "interrupted" in capsys.readouterr().err


def test_settings_leave_out_paths():
    """What decides the result is recorded, not where it lay."""
    config = ExampleConfig(text=Path("t"), result=Path("r"))

    assert settings(config) == {"count": 3, "rate": 0.5, "is_on": True, "name": ""}


@dataclass(frozen=True, kw_only=True)
class CountConfig:
    """Another command of the stage."""

    text: Path
    """Input."""
    num_words: Path
    """Output parameter."""


def test_a_command_works_for_kubeflow_too_with_output_parameters(
    tmp_path, monkeypatch, make_executor_input
):
    """It writes each to its file."""

    def run(config):
        raise AssertionError("the other command was asked for")

    run.__module__ = "components.example.run"

    def count(config):
        config.num_words.write_text("7")

    executor_input = make_executor_input()
    outputs = executor_input["outputs"]
    outputs["parameters"] = {"num_words": {"outputFile": str(tmp_path / "num_words")}}
    del outputs["artifacts"]["result"]
    monkeypatch.setattr(
        sys, "argv", ["example", "count", "--executor-input", json.dumps(executor_input)]
    )
    main(ExampleConfig, run, commands={"count": (CountConfig, count)})

    assert (tmp_path / "num_words").read_text() == "7"
    written = json.loads(Path(outputs["outputFile"]).read_text())
    assert written["artifacts"].keys() == outputs["artifacts"].keys()


def test_commands_are_listed_and_one_that_is_none_is_rejected(monkeypatch, capsys):
    """In the help, and in the error."""

    def run(config):
        raise AssertionError("nothing was asked for that there is")

    run.__module__ = "components.example.run"
    shown = []
    for word in ("--help", "cuont"):
        monkeypatch.setattr(sys, "argv", ["example", word])
        with pytest.raises(SystemExit) as ended:
            main(ExampleConfig, run, commands={"count": (CountConfig, run)})
        shown.append((ended.value.code, capsys.readouterr()))

    (helped, text), (refused, error) = shown
    assert (helped, refused) == (0, 2)
    assert "Other commands, each with its --help: count." in text.out
    assert error.err == "example: error: no command 'cuont'; there are count\n"


def test_half_a_surrogate_pair_in_kubeflows_input_is_replaced(
    tmp_path, monkeypatch, make_executor_input
):
    """JSON may escape it."""
    names = []
    executor_input = json.dumps(make_executor_input(name="a\ud800"))

    start(monkeypatch, lambda config: names.append(config.name), "--executor-input", executor_input)

    assert names == ["a\ufffd"]
