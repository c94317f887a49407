"""A scheduled run looks for a newer dump first, and ends at once where there is none."""

import json
import os
from pathlib import Path

import pytest
import yaml
from kfp import dsl

from components.ingest.component import ingest
from pipelines.commands.compile import compile_pipeline
from pipelines.local.environments import REPOSITORY
from pipelines.local.images import DIGESTS
from pipelines.local.runner import run
from pipelines.retraining import retraining
from tests.pipelines.test_run import SAMPLE

PACKAGES = REPOSITORY / "manifests" / "pipelines"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> tuple[dict, dict]:
    """The package for a DGX-2: the pipeline's specification, and that for Kubernetes."""
    path = tmp_path_factory.mktemp("package") / "bert.yaml"
    compile_pipeline(hardware="dgx-2", images=DIGESTS, pipeline="retraining", output=path)
    pipeline, platform = yaml.safe_load_all(path.read_text("utf-8"))
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_all_steps_but_the_look_wait_for_a_newer_dump(compiled):
    """The dump's date is the one that was found, and the note comes last."""
    spec, _ = compiled
    tasks = spec["root"]["dag"]["tasks"]
    (conditional,) = tasks.keys() - {"look-for-dump"}
    body = spec["components"][tasks[conditional]["componentRef"]["name"]]["dag"]["tasks"]

    condition = tasks[conditional]["triggerPolicy"]["condition"]
    assert condition.split() == [
        "inputs.parameter_values['pipelinechannel--look-for-dump-is_new']",
        "==",
        "true",
    ]
    assert body.keys() == {"bert", "record-dump"}
    assert body["record-dump"]["dependentTasks"] == ["bert"]
    given = body["bert"]["inputs"]["parameters"]
    for parameter, output in (
        ("dump", "found_dump"),
        ("checkpoint_directory", "dump_checkpoints"),
    ):
        channel = f"pipelinechannel--look-for-dump-{output}"
        assert given[parameter] == {"componentInputParameter": channel}


def test_the_look_is_never_taken_from_the_cache(compiled):
    """Its parameters are the same each time; the world is not."""
    look = compiled[0]["root"]["dag"]["tasks"]["look-for-dump"]

    assert not look["cachingOptions"].get("enableCache")


def test_the_look_takes_no_gpu_and_training_keeps_its_own(compiled):
    """The steps inside have the settings that they have without it."""
    spec, settings = compiled
    executors = spec["deploymentSpec"]["executors"]

    def accelerators(name):
        return executors[f"exec-{name}"]["container"]["resources"].get("accelerator", {})

    assert accelerators("look-for-dump") == accelerators("record-dump") == {}
    assert accelerators("pretrain")["resourceCount"] == "16"
    assert settings["exec-pretrain"]["nodeSelector"]["labels"]
    assert settings["exec-look-for-dump"]["nodeAffinity"]


def test_its_parameters_are_those_of_the_pipeline_and_the_record(compiled):
    """Each described for the Kubeflow UI, with the machine's defaults."""
    parameters = compiled[0]["root"]["inputDefinitions"]["parameters"]

    assert parameters["record"]["description"].startswith("JSON file that records the last dump")
    assert all(one.get("description") for one in parameters.values())
    assert parameters["num_processes"]["defaultValue"] == 16


@pytest.mark.parametrize("name", ["cpu", "dgx-1v-16g", "dgx-1v-32g", "dgx-2"])
def test_a_committed_package_is_what_the_code_compiles_to(name, tmp_path):
    """`make compile` was not forgotten."""
    path = tmp_path / "retraining.yaml"
    compile_pipeline(hardware=name, images=DIGESTS, pipeline="retraining", output=path)

    assert (PACKAGES / f"retraining-{name}.yaml").read_text("utf-8") == path.read_text("utf-8")


@dsl.pipeline(name="fetching")
def fetching(
    dump: str,
    squad_train: str,
    dump_site: str = "https://dumps.wikimedia.org",
    checkpoint_directory: str = "",
):
    """A pipeline of one short step.

    Args:
        dump: a dump.
    """
    ingest(dump=dump, squad_train=squad_train, dump_site=dump_site)


def test_a_run_on_a_dump_that_was_noted_does_nothing(tmp_path):
    """The first one works and notes it; another dump is worked on again."""
    dump = tmp_path / "dump.xml.bz2"
    dump.write_bytes((SAMPLE / "wiki-sample.xml.bz2").read_bytes())
    arguments = {
        "record": str(tmp_path / "last.json"),
        "dump": str(dump),
        "squad_train": str(SAMPLE / "squad-sample.json"),
    }

    def fetched(name: str) -> bool:
        run(arguments, runner="process", output=tmp_path / name, pipeline=retraining(fetching))
        return any((tmp_path / name).rglob("dump.json"))

    done = [fetched("first"), fetched("second")]
    os.utime(dump, ns=(1, 1))
    done.append(fetched("third"))

    assert done == [True, False, True]
    assert json.loads(Path(arguments["record"]).read_text())["dump"] == str(dump)
