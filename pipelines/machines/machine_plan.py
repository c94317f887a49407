"""What a machine is to be given: recipe, memory and hours of pretraining and of fine-tuning."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from components.pretrain.config import PretrainConfig
from components.shared.bert.config import BertConfig
from components.shared.bert.flops import count_pretraining_flops, count_span_flops
from components.shared.errors import InputError
from components.shared.training.settings import Optimizer, split_batch
from pipelines.machines.hardware import Hardware, find_hardware
from pipelines.machines.memory import count_masked, estimate_gib, most_rows
from pipelines.machines.recipes import (
    LARGE_PRESETS,
    PUBLISHED_SQUAD,
    SQUAD_WINDOWS,
    Recipe,
    recommend_classification,
    recommend_finetuning,
    recommend_pretraining,
    recommend_squad,
)

_VOCABULARY_SIZE = 30522
_CPU_ROWS = {128: 32, 384: 16, 512: 8}
# Below, an hour's tenth says too little.
_LEAST_HOURS_IN_TENTHS = 10


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What one training is given, and what it is expected to need."""

    name: str
    length: int
    global_batch_size: int
    micro_batch_size: int
    accumulation: int
    num_steps: int
    warmup_steps: int
    num_epochs: float | None
    """Of fine-tuning."""
    learning_rate: float
    optimizer: Optimizer
    memory_gib: float
    hours: float | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All trainings, and the pipelines' parameters that make them so."""

    hardware: Hardware
    preset: str
    precision: str
    phases: tuple[Phase, ...]
    """Of pretraining."""
    finetuning: Phase
    """On SQuAD 1.1."""
    recipe_from: str
    hours_from: str
    parameters: dict[str, Any]
    """Of the pipeline bert."""
    squad_parameters: dict[str, Any]
    """What the pipeline squad is given besides precision and processes."""
    classification_parameters: dict[str, Any]
    """What the pipeline classification is given besides preset, precision and processes."""

    def to_json(self) -> str:
        """Return the plan as a JSON object."""
        fields = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        # The machine by its name: what else is known of it is not of the plan.
        fields["hardware"] = self.hardware.name
        fields["phases"] = [dataclasses.asdict(phase) for phase in self.phases]
        fields["finetuning"] = dataclasses.asdict(self.finetuning)
        return json.dumps(fields, indent=2)

    def to_text(self) -> str:
        """The plan as a table for people, and the flags to pass."""
        machine = self.hardware
        lines = [
            f"{machine.name}: {machine.describe()}; BERT {self.preset}, {self.precision}",
            "",
            *_table(self),
            "",
            f"recipe: {self.recipe_from}",
            f"hours: {self.hours_from}",
            "memory: an estimate; pipelines/machines/memory.py states it",
            f"SQuAD 1.1: about {SQUAD_WINDOWS:,} windows of up to {self.finetuning.length} tokens "
            "per epoch; the number of steps follows from the windows of the training set",
            "",
            "pass to `python -m pipelines run bert`, or as parameters in the Kubeflow UI:",
            *_flags(self.parameters),
            "",
            "to `run squad`, besides --precision and --num-processes:",
            *_flags(self.squad_parameters),
            "",
            "published for SQuAD 1.1, each with 2 epochs:",
            *(f"  {line}" for line in PUBLISHED_SQUAD),
            "",
            "and to `run classification`, besides --preset, --precision and --num-processes:",
            *_flags(self.classification_parameters),
        ]
        if machine.num_nodes > 1:
            lines += [
                "",
                "On Kubeflow a training step then makes an MPIJob, whose pods ask for what",
                f"`compile bert --hardware {machine.name}` says. Elsewhere, start each training",
                "with these settings under horovodrun -H or mpirun.",
            ]
        return "\n".join(lines)


def make_plan(
    hardware: str,
    *,
    preset: str = "",
    precision: str = "",
    continued: bool = False,
    global_batch_size: int = 0,
    finetune_global_batch_size: int = 0,
) -> Plan:
    """Plan the trainings on a machine.

    Args:
        hardware: see `find_hardware`.
        preset: size of the model; "" is large, or tiny on a CPU.
        precision: "" is what the machine trains fastest in.
        continued: see `recommend_pretraining`.
        global_batch_size: see `recommend_pretraining`.
        finetune_global_batch_size: see `recommend_finetuning`.

    Raises:
        InputError: if a global batch cannot be cut exactly, naming the nearest valid sizes, or
            the model does not fit.
    """
    machine = find_hardware(hardware)
    preset = preset or ("large" if machine.num_gpus else "tiny")
    precision = precision or machine.precision
    if not machine.supports(precision):
        raise InputError(
            f"{machine.gpu} has no bfloat16: precision must be mixed_float16 or float32"
        )
    sizes = {
        "global_batch_size": global_batch_size,
        "finetune_global_batch_size": finetune_global_batch_size,
    }
    for name, size in sizes.items():
        if size < 0:
            raise InputError(f"{name} must be 1 or more, or 0 for the recipe's, got {size}")
    phases = tuple(
        _plan_phase(recipe, machine, preset, precision)
        for recipe in recommend_pretraining(
            preset, global_batch_size=global_batch_size, continued=continued
        )
    )
    recipe = recommend_finetuning(
        machine, preset, _published(precision), global_batch_size=finetune_global_batch_size
    )
    finetuning = _plan_phase(recipe, machine, preset, precision)
    return Plan(
        hardware=machine,
        preset=preset,
        precision=precision,
        phases=phases,
        finetuning=finetuning,
        recipe_from=_describe_recipe(machine, preset, continued=continued),
        hours_from=_describe_hours(machine, preset),
        parameters=_parameters(machine, preset, precision, phases, finetuning),
        squad_parameters=_squad_parameters(machine, preset, finetuning),
        classification_parameters=recommend_classification(machine, preset),
    )


def _plan_phase(recipe: Recipe, machine: Hardware, preset: str, precision: str) -> Phase:
    config = BertConfig.preset(preset, vocab_size=_VOCABULARY_SIZE)
    try:
        accumulation, size = split_batch(
            recipe.global_batch_size,
            micro_batch_size=_most_rows(machine, preset, config, recipe, precision),
            num_processes=machine.num_processes,
        )
    except InputError as error:
        raise InputError(f"{recipe.name}: {error}") from None
    speed = _rows_per_second(machine, config, recipe, precision)
    hours = recipe.num_steps * recipe.global_batch_size / speed / 3600 if speed else None
    memory_gib = estimate_gib(
        config,
        length=recipe.length,
        rows=size,
        precision=precision,
        predicts_words=recipe.is_pretraining,
    )
    return Phase(
        name=recipe.name,
        length=recipe.length,
        global_batch_size=recipe.global_batch_size,
        micro_batch_size=size,
        accumulation=accumulation,
        num_steps=recipe.num_steps,
        warmup_steps=recipe.warmup_steps,
        num_epochs=recipe.num_epochs,
        learning_rate=recipe.learning_rate,
        optimizer=recipe.optimizer,
        memory_gib=round(memory_gib, 1),
        hours=hours and round(hours, 1 if hours >= _LEAST_HOURS_IN_TENTHS else 2),
    )


def _most_rows(
    machine: Hardware, preset: str, config: BertConfig, recipe: Recipe, precision: str
) -> int:
    """NVIDIA's for BERT-Large, else what fits by the estimate."""
    if not machine.num_gpus:
        return _CPU_ROWS[recipe.length]
    published = _published(precision)
    if preset == "large":
        if not recipe.is_pretraining and published in machine.squad_batches:
            return machine.squad_batches[published] // machine.num_gpus
        if recipe.is_pretraining and (recipe.length, published) in machine.large_batches:
            return int(machine.large_batches[recipe.length, published])
    rows = most_rows(
        config,
        length=recipe.length,
        precision=precision,
        gpu_memory_gib=machine.gpu_memory_gib,
        predicts_words=recipe.is_pretraining,
    )
    if rows == 0:
        raise InputError(
            f"BERT {preset} does not fit the memory of {machine.name} at length {recipe.length}; "
            "choose a smaller preset, or a machine whose GPUs have more memory"
        )
    return rows


def _rows_per_second(
    machine: Hardware, config: BertConfig, recipe: Recipe, precision: str
) -> float | None:
    """BERT-Large's published speed; for another size by the work of a row."""
    published = machine.large_rows_per_second.get((recipe.length, _published(precision)))
    if published is None:
        return None
    large, own = (
        _count_flops(one, recipe)
        for one in (BertConfig.preset("large", vocab_size=_VOCABULARY_SIZE), config)
    )
    return machine.num_nodes * published * large / own


def _count_flops(config: BertConfig, recipe: Recipe) -> int:
    """Count the operations of a row."""
    if not recipe.is_pretraining:
        return count_span_flops(config, num_rows=1, length=recipe.length)
    return count_pretraining_flops(
        config,
        num_rows=1,
        length=recipe.length,
        num_masked=count_masked(recipe.length),
        num_sequences=1,
    )


def _published(precision: str) -> str:
    """The precision of NVIDIA's tables; bfloat16 needs what float16 needs."""
    return "float32" if precision == "float32" else "mixed_float16"


def _describe_recipe(machine: Hardware, preset: str, *, continued: bool) -> str:
    if continued and preset == "base":
        return "NVIDIA's BioBERT, from Google's weights, for pretraining"
    if continued:
        return "google-research/bert's advice on pretraining from a checkpoint"
    if preset not in LARGE_PRESETS:
        return "this pipeline's defaults"
    if machine.squad_batches:
        return "NVIDIA's BERT for TensorFlow 1; a learning rate is that of all processes together"
    return "NVIDIA's BERT for TensorFlow 1 for pretraining, google-research/bert's for SQuAD"


def _describe_hours(machine: Hardware, preset: str) -> str:
    if not machine.large_rows_per_second:
        return "unknown, nothing is published"
    text = machine.throughput_source
    if preset != "large":
        text += ", scaled from BERT-Large by the work of a row (small models reach less)"
    if machine.num_nodes > 1:
        text += f", times {machine.num_nodes} (the network's share not counted)"
    return text


def _parameters(
    machine: Hardware, preset: str, precision: str, phases: tuple[Phase, ...], finetuning: Phase
) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "preset": preset,
        "precision": precision,
        "num_processes": machine.num_processes,
    }
    if machine.num_nodes > 1:
        parameters["num_nodes"] = machine.num_nodes
    if phases[0].optimizer != PretrainConfig.optimizer:
        parameters["optimizer"] = phases[0].optimizer
    for phase in phases:
        values = {
            "num_steps": phase.num_steps,
            "global_batch_size": phase.global_batch_size,
            "micro_batch_size": phase.micro_batch_size,
            "learning_rate": phase.learning_rate,
            # Digits enough to give the warm-up's steps back.
            "warmup_rate": round(phase.warmup_steps / phase.num_steps, 6),
        }
        parameters |= {f"pretrain_{phase.length}_{name}": value for name, value in values.items()}
    return parameters | {
        "finetune_num_epochs": finetuning.num_epochs,
        "finetune_global_batch_size": finetuning.global_batch_size,
        "finetune_micro_batch_size": finetuning.micro_batch_size,
        "finetune_learning_rates": [finetuning.learning_rate],
    }


def _squad_parameters(machine: Hardware, preset: str, finetuning: Phase) -> dict[str, Any]:
    if preset not in LARGE_PRESETS:
        return recommend_squad(machine)
    return {
        "num_epochs": finetuning.num_epochs,
        "global_batch_size": finetuning.global_batch_size,
        "micro_batch_size": finetuning.micro_batch_size,
        "learning_rates": [finetuning.learning_rate],
    }


def _flags(parameters: dict[str, Any]) -> list[str]:
    """Return the recipe as flags of the command line."""

    def say(value: Any) -> str:
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)

    return [f"  --{name.replace('_', '-')} {say(value)}" for name, value in parameters.items()]


def _say_hours(hours: float | None) -> str:
    return "?" if hours is None else str(hours or "< 0.01")


def _table(plan: Plan) -> list[str]:
    phases = (*plan.phases, plan.finetuning)
    memory = plan.hardware.gpu_memory_gib
    rows: dict[str, list[str]] = {
        "rows per step": [f"{phase.global_batch_size:,}" for phase in phases],
        "rows per GPU" if memory else "rows at a time": [
            str(phase.micro_batch_size) for phase in phases
        ],
        "accumulation steps": [str(phase.accumulation) for phase in phases],
        "epochs": [f"{phase.num_epochs:g}" if phase.num_epochs else "" for phase in phases],
        "optimizer steps": [str(phase.num_steps) for phase in phases],
        "warm-up steps": [str(phase.warmup_steps) for phase in phases],
        "peak learning rate": [f"{phase.learning_rate:g}" for phase in phases],
        "optimizer": [phase.optimizer for phase in phases],
        "GiB of memory": [
            f"{phase.memory_gib}" + (f" of {memory}" if memory else "") for phase in phases
        ],
        "expected hours": [_say_hours(phase.hours) for phase in phases],
    }
    head = ["", *(phase.name for phase in phases)]
    lines = [head, *([name, *cells] for name, cells in rows.items())]
    text = [f"{first:<20}" + "".join(f"{cell:>14}" for cell in rest) for first, *rest in lines]
    hours = [phase.hours for phase in phases if phase.hours is not None]
    return [*text, f"{'total days':<20}{sum(hours) / 24:>42.1f}"] if hours else text
