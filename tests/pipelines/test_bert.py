"""The compiled pipeline: its graph, its images, and one name for each setting."""

import dataclasses
import importlib
import subprocess
import sys

import pytest
import yaml
from kfp import compiler

from components.choose.config import ChooseConfig
from components.evaluate.squad.config import EvaluateConfig
from components.finetune.squad.config import FinetuneConfig
from components.ingest.config import IngestConfig
from components.preprocess.config import PreprocessConfig
from components.pretrain.config import PretrainConfig
from components.release.config import ReleaseConfig
from components.shared.images import name_image
from components.shared.stage.settings import list_settings
from pipelines.bert import bert
from pipelines.local.environments import REPOSITORY, STAGES
from tests.images.dockerfiles import read_dockerfile

# Each has the component of its name.
COMPONENT_TO_MODULE = {
    stage: importlib.import_module(f"components.{room}.component")
    for stage, room in {
        **{stage: stage for stage in (*STAGES, "choose", "release")},
        "finetune": "finetune.squad",
        "evaluate": "evaluate.squad",
    }.items()
}
CONFIGS = (IngestConfig, PreprocessConfig, PretrainConfig, FinetuneConfig, EvaluateConfig)
COMPONENT_TO_CONFIG = {
    **dict(zip(STAGES, CONFIGS, strict=True)),
    "choose": ChooseConfig,
    "release": ReleaseConfig,
}
COMPONENT_TO_IMAGE = {
    **{stage: stage for stage in STAGES},
    "choose": "evaluate",
    "release": "evaluate",
}
PRESET_CHOICES = "One of tiny, mini, small, medium, base, large."


@pytest.fixture(scope="module")
def spec(tmp_path_factory) -> dict:
    path = tmp_path_factory.mktemp("compiled") / "bert.yaml"
    compiler.Compiler().compile(bert, str(path))
    return yaml.safe_load(path.read_text("utf-8"))


def tasks_of(spec) -> dict:
    """Those of the pipeline, of its loop, and of the loop in that."""
    loops = [spec["components"][f"comp-for-loop-{number}"] for number in (1, 2)]
    return {name: task for part in (spec["root"], *loops)
            for name, task in part["dag"]["tasks"].items()}  # fmt: skip


def test_the_steps_follow_one_another(spec):
    """Each step waits for those whose artifacts it takes, and for no other."""
    tasks = tasks_of(spec)

    edges = {name: set(task.get("dependentTasks", [])) for name, task in tasks.items()}

    assert edges == {
        "ingest": set(),
        "preprocess": {"ingest"},
        "pretrain": {"ingest", "preprocess"},
        "pretrain-2": {"preprocess", "pretrain"},
        "for-loop-1": {"ingest", "pretrain", "pretrain-2"},
        "for-loop-2": set(),
        "finetune": set(),
        "evaluate": {"finetune"},
        "choose": {"for-loop-1"},
        "release": {"ingest", "choose"},
    }


def test_a_release_is_never_taken_from_the_cache(spec):
    """Its parameters are the same each time; the model in use is not."""
    assert not tasks_of(spec)["release"]["cachingOptions"].get("enableCache")


def test_a_model_is_fine_tuned_and_evaluated_with_each_learning_rate_and_seed(spec):
    """Loops over parameters of the pipeline; what their steps give is collected."""
    tasks = tasks_of(spec)
    collected = tasks["choose"]["inputs"]["artifacts"].values()
    chosen_of = tasks["choose"]["inputs"]["parameters"]
    looped = tasks["for-loop-1"]["inputs"]["parameters"]

    for loop, setting in (("for-loop-1", "learning_rate"), ("for-loop-2", "seed")):
        iterator = tasks[loop]["parameterIterator"]
        given = tasks["finetune"]["inputs"]["parameters"][setting]["componentInputParameter"]
        listed = {"componentInputParameter": f"finetune_{setting}s"}
        assert iterator["itemInput"] == given
        assert looped[iterator["items"]["inputParameter"]] == chosen_of[f"{setting}s"] == listed
    assert {item["taskOutputArtifact"]["producerTask"] for item in collected} == {"for-loop-1"}


def test_each_phase_starts_from_the_checkpoint_before(spec):
    """At length 128 the one that ingest fetched, at 512 the first phase's."""
    tasks = spec["root"]["dag"]["tasks"]

    lengths = [
        tasks[name]["inputs"]["parameters"]["sequence_length"]["runtimeValue"]["constant"]
        for name in ("pretrain", "pretrain-2")
    ]
    initial = [
        tasks[name]["inputs"]["artifacts"]["initial_checkpoint"]["taskOutputArtifact"]
        for name in ("pretrain", "pretrain-2")
    ]

    assert lengths == [128, 512]
    assert [one["producerTask"] for one in initial] == ["ingest", "pretrain"]
    assert [one["outputArtifactKey"] for one in initial] == ["given_checkpoint", "checkpoint"]


def test_each_step_runs_its_stage_in_its_image(spec):
    """A Dockerfile for each, no `latest`, and only the placeholder that every backend fills."""
    executors = spec["deploymentSpec"]["executors"].values()

    containers = [executor["container"] for executor in executors]

    assert {container["image"] for container in containers} == {
        name_image(stage) for stage in STAGES
    }
    for container in containers:
        component = container["command"][-1].removeprefix("components.")
        stage = container["image"].split("/")[1].split(":")[0]
        assert stage == COMPONENT_TO_IMAGE[component]
        assert f"COPY components/{component} components/{component}" in read_dockerfile(stage)
        assert container["command"] == ["python", "-m", f"components.{component}"]
        assert container["args"] == ["--executor-input", "{{$}}"]


def test_what_says_where_beam_runs_reaches_preprocess(spec):
    """Under one name from the pipeline's parameter to the setting."""
    names = {name for name in PreprocessConfig.__dataclass_fields__ if "flink" in name}
    names |= {name for name in PreprocessConfig.__dataclass_fields__ if "dataflow" in name}
    names |= {"beam_runner", "beam_options", "num_workers", "worker_image", "use_object_store"}

    given = spec["root"]["dag"]["tasks"]["preprocess"]["inputs"]["parameters"]

    assert {name: given[name]["componentInputParameter"] for name in names} == {
        name: name for name in names
    }


def test_every_parameter_is_described_for_the_ui(spec):
    """In the compiled YAML, where the Kubeflow UI takes it from."""
    parameters = spec["root"]["inputDefinitions"]["parameters"]

    undescribed = [name for name, entry in parameters.items() if not entry.get("description")]

    assert undescribed == []


def test_a_default_differs_from_the_configs_only_where_the_pipeline_says_so(spec):
    """The second phase of pretraining is shorter; its batches are of longer rows."""
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    fields = {field.name: field for field in dataclasses.fields(PretrainConfig)}
    own = ("num_steps", "global_batch_size", "micro_batch_size", "learning_rate", "warmup_rate")

    def differing(prefix: str) -> dict:
        defaults = {name: parameters[f"{prefix}{name}"]["defaultValue"] for name in own}
        return {name: value for name, value in defaults.items() if value != fields[name].default}

    assert differing("pretrain_128_") == {}
    assert differing("pretrain_512_") == {
        "num_steps": 100,
        "global_batch_size": 16,
        "micro_batch_size": 8,
        "learning_rate": 0.006,
    }


def test_a_parameter_has_the_text_of_its_setting(spec):
    """Also under the name of a step, and with what the pipeline adds on several values."""
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    texts = {name: " ".join(one["description"].split()) for name, one in parameters.items()}
    pretraining, finetuning = list_settings(PretrainConfig), list_settings(FinetuneConfig)

    assert texts["preset"] == f"{pretraining['preset'].text} {PRESET_CHOICES}"
    assert texts["pretrain_512_num_steps"] == pretraining["num_steps"].text
    assert texts["finetune_num_epochs"] == finetuning["num_epochs"].text
    assert texts["finetune_learning_rates"].startswith(
        finetuning["learning_rate"].text + " Several"
    )


@pytest.mark.parametrize("stage", COMPONENT_TO_CONFIG)
def test_component_and_config_have_the_same_names_and_defaults(stage):
    """Signature, flags and config are one."""
    component = getattr(COMPONENT_TO_MODULE[stage], stage)
    fields = {field.name: field for field in dataclasses.fields(COMPONENT_TO_CONFIG[stage])}
    definition = component.component_spec

    inputs = set(definition.inputs or {})
    outputs = set(definition.outputs or {})

    assert inputs | outputs == set(fields)
    for name, item in (definition.inputs or {}).items():
        if item.default is not None:
            is_list = isinstance(item.default, list)
            default = tuple(item.default) if is_list else item.default
            assert default == fields[name].default, name


@pytest.mark.parametrize("stage", COMPONENT_TO_CONFIG)
def test_every_input_of_a_component_is_described(stage):
    """The Kubeflow UI shows it beside the step; kfp takes no descriptions of outputs."""
    component = getattr(COMPONENT_TO_MODULE[stage], stage)
    inputs = component.component_spec.inputs

    undescribed = [name for name, item in inputs.items() if not item.description]

    assert undescribed == []


def test_compiling_needs_neither_tensorflow_nor_beam():
    """Whoever submits a pipeline has neither."""
    code = (
        "import sys, pipelines.catalog; heavy = {'tensorflow', 'keras', "
        "'horovod', 'apache_beam', 'tokenizers', 'numpy'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_stages_do_not_import_one_another():
    """Nor does what they share know any of them."""
    for path in (REPOSITORY / "components").rglob("*.py"):
        own = path.relative_to(REPOSITORY / "components").parts[0]
        others = set(COMPONENT_TO_CONFIG) - {own}
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        imports = [line for line in lines if line.startswith(("from components.", "import comp"))]

        crossing = [line for line in imports if line.split()[1].split(".")[1] in others]

        assert crossing == [], path
