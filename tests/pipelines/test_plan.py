"""Every preset's arithmetic, the memory estimate against known cases, and the hours."""

import inspect
import itertools
import json
import subprocess
import sys

import pytest

from components.shared.bert.config import PRESETS, BertConfig
from components.shared.errors import InputError
from pipelines.bert import bert
from pipelines.hardware import HARDWARE, find_hardware
from pipelines.memory import count_parameters, estimate_gib
from pipelines.plan import make_plan

LARGE = BertConfig.preset("large", vocab_size=30522)
GPUS = [name for name in HARDWARE if name != "cpu"]


@pytest.mark.parametrize(
    ("hardware", "preset"),
    [*itertools.product(HARDWARE, PRESETS), ("dgx-2x4", "base"), ("dgx-2x4", "large")],
)
def test_batch_times_accumulation_times_gpus_is_the_global_batch(hardware, preset):
    """For every machine and size, in both phases."""
    plan = make_plan(hardware, preset=preset)

    for phase in plan.phases:
        product = phase.micro_batch_size * phase.accumulation * plan.hardware.num_processes
        assert product == phase.global_batch_size


@pytest.mark.parametrize(
    ("hardware", "precision", "cuts"),
    [
        ("dgx-1v-16g", "mixed_float16", [(16, 512), (4, 1024)]),
        ("dgx-1v-32g", "mixed_float16", [(64, 128), (8, 512)]),
        ("dgx-2", "mixed_float16", [(64, 64), (8, 256)]),
        ("dgx-1v-16g", "float32", [(8, 1024), (2, 2048)]),
        ("dgx-1v-32g", "float32", [(32, 256), (8, 512)]),
        ("dgx-2", "float32", [(32, 128), (8, 256)]),
    ],
)
def test_bert_large_is_cut_as_nvidias_recipe_is(hardware, precision, cuts):
    """65,536 rows of 128 tokens and 32,768 of 512, with NVIDIA's steps and rates."""
    phases = make_plan(hardware, precision=precision).phases

    assert [(phase.micro_batch_size, phase.accumulation) for phase in phases] == cuts
    assert [(p.global_batch_size, p.num_steps, p.warmup_steps) for p in phases] == [
        (65_536, 7038, 2000),
        (32_768, 1564, 200),
    ]
    assert [phase.learning_rate for phase in phases] == [6e-3, 4e-3]


@pytest.mark.parametrize(
    ("hardware", "days"), [("dgx-1v-16g", 8.4), ("dgx-1v-32g", 6.0), ("dgx-2", 2.9),
                           ("dgx-a100", 2.9)]
)  # fmt: skip
def test_the_days_follow_from_the_published_throughput(hardware, days):
    """Rows of both phases by rows a second."""
    hours = sum(phase.hours for phase in make_plan(hardware).phases)

    assert hours / 24 == pytest.approx(days, abs=0.05)


@pytest.mark.parametrize("name", GPUS)
def test_published_batches_fit_and_their_doubles_at_512_do_not(name):
    """What NVIDIA chose for BERT-Large, by the estimate."""
    machine = HARDWARE[name]

    for (length, precision), rows in machine.large_batches.items():
        fits = estimate_gib(LARGE, length=length, rows=rows, precision=precision)
        assert fits < machine.gpu_memory_gib * 0.92
        if length == 512:
            double = estimate_gib(LARGE, length=512, rows=2 * rows, precision=precision)
            assert double > machine.gpu_memory_gib * 0.92


@pytest.mark.parametrize(("length", "rows"), [(128, 312), (512, 40)])
def test_an_a100_of_80_gb_is_nearly_full_with_nvidias_batches(length, rows):
    """Of its BERT for TensorFlow 2."""
    needed = estimate_gib(LARGE, length=length, rows=rows, precision="mixed_float16")

    assert 68 < needed < 80


@pytest.mark.parametrize(("preset", "millions"), [("base", 110), ("large", 335)])
def test_parameters_are_as_many_as_published(preset, millions):
    """Devlin et al. 2019: 110 and 340 million; Google's files hold 335."""
    count = count_parameters(BertConfig.preset(preset, vocab_size=30522)) / 1e6

    assert count == pytest.approx(millions, rel=0.01)


@pytest.mark.parametrize("hardware", HARDWARE)
def test_what_is_to_be_passed_are_parameters_that_give_the_warm_up_back(hardware):
    """Under the pipeline's names."""
    plan = make_plan(hardware)
    known = inspect.signature(bert.pipeline_func).parameters

    assert set(plan.parameters) <= set(known)
    for phase in plan.phases:
        rate = plan.parameters[f"pretrain_{phase.length}_warmup_rate"]
        assert round(rate * phase.num_steps) == phase.warmup_steps


def test_a_batch_that_cannot_be_met_is_refused_with_the_nearest():
    """16 GPUs of 64 rows take 1,024 at once."""
    with pytest.raises(InputError, match="65530 cannot be cut .*: 64512 and 65536"):
        make_plan("dgx-2", global_batch_size=65_530)


def test_another_batch_reads_as_many_rows():
    """A quarter of the batch: four times the steps, half the rate."""
    first = make_plan("dgx-2", global_batch_size=16_384).phases[0]

    assert (first.num_steps, first.warmup_steps, first.learning_rate) == (28_152, 8000, 3e-3)


def test_v100_has_no_bfloat16():
    """Said before anything is started."""
    with pytest.raises(InputError, match="V100 has no bfloat16"):
        make_plan("dgx-2", precision="mixed_bfloat16")


@pytest.mark.parametrize(
    ("name", "num_nodes", "num_processes"),
    [("gke-v100x8", 1, 8), ("gke-v100x8x2", 2, 16), ("dgx-2x4", 4, 64), ("cpu", 1, 1)],
)
def test_a_name_says_how_many_machines(name, num_nodes, num_processes):
    """The x8 of a name is no number of machines."""
    machine = find_hardware(name)

    assert (machine.num_nodes, machine.num_processes) == (num_nodes, num_processes)


@pytest.mark.parametrize(
    ("name", "cpus", "memory_gib"), [("cpu", 1, 4), ("gke-v100x8", 94, 337), ("dgx-2", 94, 1466)]
)
def test_a_pod_leaves_room_for_what_else_runs_on_the_machine(name, cpus, memory_gib):
    """By GKE's formula: of 96 CPUs it keeps 0.31, of 360 GiB 14 after the kernel's 7."""
    machine = find_hardware(name)

    assert (machine.pod_cpus, machine.pod_memory_gib) == (cpus, memory_gib)


@pytest.mark.parametrize("name", ["dgx-3", "dgx-2x0", "dgx-2x", "x4", "gke-v100"])
def test_unknown_hardware_is_refused(name):
    """With the names there are."""
    with pytest.raises(InputError, match="must be one of cpu, dgx-1v-16g"):
        find_hardware(name)


def test_the_command_prints_json():
    """For a script that submits the run."""
    command = [sys.executable, "-m", "pipelines", "plan", "--hardware", "dgx-2", "--format", "json"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout)["parameters"]["num_processes"] == 16
