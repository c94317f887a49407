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
from pipelines.classification import classification
from pipelines.machines.hardware import HARDWARE, find_hardware
from pipelines.machines.machine_plan import make_plan
from pipelines.machines.memory import count_parameters, estimate_gib
from pipelines.squad import squad

LARGE = BertConfig.preset("large", vocab_size=30522)
GPUS = [name for name in HARDWARE if name != "cpu"]


@pytest.mark.parametrize(
    ("hardware", "preset"),
    [*itertools.product(HARDWARE, PRESETS), ("dgx-2x4", "base"), ("dgx-2x4", "large")],
)
def test_batch_times_accumulation_times_gpus_is_the_global_batch(hardware, preset):
    """For every machine and size, in both phases and in fine-tuning."""
    plan = make_plan(hardware, preset=preset)

    for phase in (*plan.phases, plan.finetuning):
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
    ("hardware", "precision", "windows", "updates", "hours"),
    [
        ("dgx-1v-16g", "mixed_float16", 4, 5500, 0.26),
        ("dgx-1v-16g", "float32", 2, 11_000, 0.93),
        ("dgx-1v-32g", "mixed_float16", 24, 916, 0.16),
        ("dgx-1v-32g", "float32", 10, 2200, 0.62),
        ("dgx-2", "mixed_float16", 24, 458, 0.07),
        ("dgx-2", "float32", 8, 1374, 0.31),
        ("dgx-a100", "mixed_bfloat16", 32, 686, 0.06),
        ("dgx-a100", "float32", 16, 1374, 0.11),
    ],
)
def test_bert_large_is_fine_tuned_as_nvidias_is(hardware, precision, windows, updates, hours):
    """Windows a GPU by its scripts; 2.5e-6 on 16 GPUs or 5e-6 on 8 are 4e-5; a tenth warms up.

    The hours are two epochs of 88,000 windows by the published windows a second.
    """
    plan = make_plan(hardware, precision=precision)
    tuned = plan.finetuning

    assert (tuned.micro_batch_size, tuned.accumulation) == (windows, 1)
    assert tuned.global_batch_size == windows * plan.hardware.num_gpus
    assert (tuned.learning_rate, tuned.num_epochs) == (4e-5, 2.0)
    assert (tuned.num_steps, tuned.warmup_steps) == (updates, round(updates / 10))
    assert tuned.hours == pytest.approx(hours, abs=0.005)


@pytest.mark.parametrize(
    ("hardware", "windows", "global_batch_size"),
    [("dgx-2x4", 6, 384), ("dgx-2x32", 1, 512), ("gke-a2-megagpu-16g", 16, 256), ("cpux2", 12, 24)],
)
def test_more_processes_share_the_windows_of_one_machine(hardware, windows, global_batch_size):
    """Larger batches are nobody's recipe; each process has one window at least."""
    tuned = make_plan(hardware, preset="large").finetuning

    assert (tuned.micro_batch_size, tuned.global_batch_size) == (windows, global_batch_size)


@pytest.mark.parametrize(
    ("hardware", "preset", "windows", "rate"),
    [
        ("dgx-1v-32g", "large", 192, 4e-5),
        ("cpu", "large", 24, 3e-5),
        ("cpu", "base", 12, 3e-5),
        ("cpu", "tiny", 12, 3e-5),
        ("dgx-2", "mini", 16, 3e-5),
    ],
)
def test_given_weights_are_fine_tuned_by_a_published_recipe(hardware, preset, windows, rate):
    """NVIDIA's where it has one for the machine, else Google's; BERT-Base's for small sizes."""
    parameters = make_plan(hardware, preset=preset).squad_parameters

    assert (parameters["global_batch_size"], parameters["learning_rates"]) == (windows, [rate])
    assert parameters["num_epochs"] == 2.0


@pytest.mark.parametrize("size", [400, 100])
def test_a_batch_of_fine_tuning_that_cannot_be_met_is_rejected_with_the_nearest(size):
    """25 windows do not fit a GPU that takes 24, and 16 GPUs can't share 100."""
    nearest = {400: "384 and 768", 100: "96 and 112"}[size]

    with pytest.raises(InputError, match=f"SQuAD 1.1: .* {size} cannot be cut .*: {nearest}"):
        make_plan("dgx-2", finetune_global_batch_size=size)


def test_another_batch_of_fine_tuning_keeps_the_rate():
    """NVIDIA's is the same for 32 windows and for 384."""
    tuned = make_plan("dgx-2", finetune_global_batch_size=192).finetuning

    assert (tuned.micro_batch_size, tuned.num_steps, tuned.learning_rate) == (12, 916, 4e-5)


@pytest.mark.parametrize(
    ("hardware", "preset", "sentences", "rate"),
    [("dgx-1v-16g", "", 16, 2.4e-5), ("dgx-2", "base", 8, 2.4e-5), ("dgx-2", "mini", 2, 3e-4),
     ("dgx-2x4", "", 2, 2.4e-5), ("cpu", "", 16, 3e-4)],
)  # fmt: skip
def test_sentences_are_classified_by_nvidias_recipe_of_glue(hardware, preset, sentences, rate):
    """128 of an update for base and large, as far as the processes can share them."""
    parameters = make_plan(hardware, preset=preset).classification_parameters

    assert (parameters["micro_batch_size"], parameters["learning_rates"]) == (sentences, [rate])
    processes = find_hardware(hardware).num_processes
    assert parameters["global_batch_size"] % (sentences * processes) == 0


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


@pytest.mark.parametrize("name", GPUS)
def test_published_windows_of_fine_tuning_fit(name):
    """By the estimate."""
    machine = HARDWARE[name]

    for precision, windows in machine.squad_batches.items():
        needed = estimate_gib(
            LARGE,
            length=384,
            rows=windows // machine.num_gpus,
            precision=precision,
            predicts_words=False,
        )
        assert needed < machine.gpu_memory_gib * 0.92


@pytest.mark.parametrize(
    ("length", "rows", "predicts_words"), [(128, 312, True), (512, 40, True), (384, 76, False)]
)
def test_an_a100_of_80_gb_is_nearly_full_with_nvidias_batches(length, rows, predicts_words):
    """Of its BERT for TensorFlow 2."""
    needed = estimate_gib(
        LARGE, length=length, rows=rows, precision="mixed_float16", predicts_words=predicts_words
    )

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
    assert set(plan.classification_parameters) <= set(
        inspect.signature(classification.pipeline_func).parameters
    )
    assert set(plan.squad_parameters) <= set(inspect.signature(squad.pipeline_func).parameters)
    assert not {*plan.classification_parameters, *plan.squad_parameters} & set(known)
    for phase in plan.phases:
        rate = plan.parameters[f"pretrain_{phase.length}_warmup_rate"]
        assert round(rate * phase.num_steps) == phase.warmup_steps


def test_a_batch_that_cannot_be_met_is_rejected_with_the_nearest():
    """16 GPUs of 64 rows take 1,024 at once."""
    with pytest.raises(InputError, match="65530 cannot be cut .*: 64512 and 65536"):
        make_plan("dgx-2", global_batch_size=65_530)


@pytest.mark.parametrize("name", ["global_batch_size", "finetune_global_batch_size"])
def test_a_negative_batch_is_rejected(name):
    """By its name."""
    with pytest.raises(InputError, match=f"^{name} must be 1 or more, .* got -8"):
        make_plan("dgx-2", **{name: -8})


def test_another_batch_reads_as_many_rows():
    """A quarter of the batch: four times the steps, half the rate."""
    first = make_plan("dgx-2", global_batch_size=16_384).phases[0]

    assert (first.num_steps, first.warmup_steps, first.learning_rate) == (28_152, 8000, 3e-3)


@pytest.mark.parametrize(
    ("preset", "steps", "batches", "rates", "optimizer"),
    [
        ("base", (19_531, 4340), (65_536, 32_768), (1.54e-3, 4.64e-3), "lamb"),
        ("large", (90_000, 10_000), (256, 256), (2e-5, 2e-5), "adamw"),
        ("tiny", (90_000, 10_000), (256, 256), (2e-5, 2e-5), "adamw"),
    ],
)
def test_continued_pretraining_has_recipes_of_its_own(preset, steps, batches, rates, optimizer):
    """BioBERT's of NVIDIA for BERT-Base, Google's advice for other sizes."""
    plan = make_plan("dgx-2", preset=preset, continued=True)

    assert tuple(phase.num_steps for phase in plan.phases) == steps
    assert tuple(phase.global_batch_size for phase in plan.phases) == batches
    assert tuple(phase.learning_rate for phase in plan.phases) == rates
    # The pipeline's default is left out.
    assert plan.parameters.get("optimizer", "lamb") == optimizer


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
def test_unknown_hardware_is_rejected(name):
    """With the names there are."""
    with pytest.raises(InputError, match="must be one of cpu, dgx-1v-16g"):
        find_hardware(name)


def test_the_command_prints_json():
    """For a script that submits the run."""
    command = [sys.executable, "-m", "pipelines", "plan", "--hardware", "dgx-2", "--output", "json"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    plan = json.loads(done.stdout)
    assert plan["parameters"]["num_processes"] == 16
    assert plan["finetuning"]["num_steps"] == 458


def test_the_table_shows_fine_tuning_beside_pretraining():
    """Its batch, rate, optimizer, epochs, steps and hours, and where they are from."""
    lines = make_plan("dgx-1v-32g").to_text().splitlines()
    column = {line[:20].strip(): line.split()[-1] for line in lines[2:14]}

    assert column["rows per step"] == "192"
    assert column["rows per GPU"] == "24"
    assert column["epochs"] == "2"
    assert column["optimizer steps"] == "916"
    assert column["warm-up steps"] == "92"
    assert column["peak learning rate"] == "4e-05"
    assert column["optimizer"] == "adamw"
    assert column["expected hours"] == "0.16"
    assert "hours: NVIDIA's BERT for TensorFlow 1, DGX-1 with 8 V100 of 32 GB" in lines
    assert "  --finetune-learning-rates 4e-05" in lines


@pytest.mark.parametrize(("hardware", "hours"), [("dgx-2", "< 0.01"), ("cpu", "?")])
def test_few_hours_are_told_from_unknown_ones(hardware, hours):
    """Of a CPU nothing is published."""
    text = make_plan(hardware, preset="tiny").to_text()
    (line,) = (line for line in text.splitlines() if line.startswith("expected hours"))

    assert line.removeprefix("expected hours").split("  ")[-1].strip() == hours
