"""What a machine is to be given: recipe, memory and hours of both phases of pretraining."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from components.shared.bert.config import BertConfig
from components.shared.bert.settings import split_batch
from components.shared.errors import InputError
from pipelines.bert import bert
from pipelines.hardware import Hardware, find_hardware
from pipelines.memory import count_flops, estimate_gib, most_rows

_VOCABULARY_SIZE = 30522
_CPU_ROWS = {128: 32, 512: 8}
# Devlin et al. 2019 and Hugging Face: BERT-Base and Large on SQuAD.
_FINETUNE_BATCH, _FINETUNE_RATE, _FINETUNE_LENGTH = 32, 3e-5, 384


@dataclass(frozen=True)
class Recipe:
    """One phase of pretraining."""

    length: int
    global_batch_size: int
    num_steps: int
    warmup_steps: int
    learning_rate: float


# NVIDIA's BERT for TensorFlow: BERT-Large with LAMB. Its scripts give BERT-Base the same.
_NVIDIA = (
    Recipe(length=128, global_batch_size=65_536, num_steps=7038, warmup_steps=2000,
           learning_rate=6e-3),
    Recipe(length=512, global_batch_size=32_768, num_steps=1564, warmup_steps=200,
           learning_rate=4e-3),
)  # fmt: skip
_NVIDIA_PRESETS = ("base", "large")


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What one phase is given, and what it is expected to need."""

    length: int
    global_batch_size: int
    micro_batch_size: int
    accumulation: int
    num_steps: int
    warmup_steps: int
    learning_rate: float
    memory_gib: float
    hours: float | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Both phases, and the pipeline's parameters that make them so."""

    hardware: Hardware
    preset: str
    precision: str
    phases: tuple[Phase, ...]
    hours_from: str
    parameters: dict[str, Any]

    def to_json(self) -> str:
        """The plan as a JSON object."""
        # The machine by its name: what else is known of it is not of the plan.
        fields = {
            item.name: getattr(self, item.name)
            for item in dataclasses.fields(self)
            if item.name not in ("hardware", "phases")
        }
        phases = [dataclasses.asdict(phase) for phase in self.phases]
        return json.dumps({"hardware": self.hardware.name, **fields, "phases": phases}, indent=2)

    def to_text(self) -> str:
        """The plan as a table for people, and the flags to pass."""
        machine = self.hardware
        nodes = f"{machine.num_nodes} machines, each of " if machine.num_nodes > 1 else ""
        gpus = f"{machine.num_gpus} {machine.gpu} of {machine.gpu_memory_gib} GB"
        lines = [
            f"{machine.name}: {nodes}{gpus if machine.num_gpus else 'no GPU'}; "
            f"BERT {self.preset}, {self.precision}",
            "",
            *_table(self),
            "",
            f"hours: {self.hours_from}",
            "memory: an estimate; pipelines/memory.py states it",
            "",
            "pass to `python -m pipelines run`, or as parameters in the Kubeflow UI:",
            *(
                f"  --{name.replace('_', '-')} {_say(value)}"
                for name, value in self.parameters.items()
            ),
        ]
        if machine.num_nodes > 1:
            lines += [
                "",
                "On Kubeflow a training step then makes an MPIJob, whose pods ask for what",
                f"`compile --hardware {machine.name}` says. Elsewhere, start each phase of",
                "pretraining with these settings under horovodrun -H or mpirun.",
            ]
        return "\n".join(lines)


def make_plan(
    hardware: str, *, preset: str = "", precision: str = "", global_batch_size: int = 0
) -> Plan:
    """Plan pretraining on a machine.

    Args:
        hardware: see `find_hardware`.
        preset: size of the model; "" is large, or tiny on a CPU.
        precision: "" is what the machine trains fastest in.
        global_batch_size: rows of one update of the first phase; 0 is the recipe's. The
            second phase keeps its share of that. As many rows are read: steps and warm-up
            shrink as the batch grows, and the learning rate grows with its square root (You
            et al. 2020).

    Raises:
        InputError: if a global batch cannot be cut exactly, naming the nearest that can, or
            the model does not fit.
    """
    machine = find_hardware(hardware)
    preset = preset or ("large" if machine.num_gpus else "tiny")
    precision = precision or machine.precision
    if not machine.supports(precision):
        raise InputError(
            f"{machine.gpu} has no bfloat16: precision must be mixed_float16 or float32"
        )
    config = BertConfig.preset(preset, vocab_size=_VOCABULARY_SIZE)
    recipes = _NVIDIA if preset in _NVIDIA_PRESETS else _read_defaults()
    ratio = global_batch_size / recipes[0].global_batch_size if global_batch_size else 1.0
    phases = tuple(
        _plan_phase(_scale(recipe, ratio), machine, preset, config, precision) for recipe in recipes
    )
    return Plan(
        hardware=machine,
        preset=preset,
        precision=precision,
        phases=phases,
        hours_from=_describe_hours(machine, preset),
        parameters=_parameters(machine, preset, config, precision, phases),
    )


def _read_defaults() -> tuple[Recipe, ...]:
    """The pipeline's own, made for the smallest preset."""
    values = {name: item.default for name, item in (bert.component_spec.inputs or {}).items()}
    return tuple(
        Recipe(
            length=length,
            global_batch_size=values[f"pretrain_{length}_global_batch_size"],
            num_steps=values[f"pretrain_{length}_num_steps"],
            warmup_steps=round(
                values[f"pretrain_{length}_warmup_rate"] * values[f"pretrain_{length}_num_steps"]
            ),
            learning_rate=values[f"pretrain_{length}_learning_rate"],
        )
        for length in (128, 512)
    )


def _scale(recipe: Recipe, ratio: float) -> Recipe:
    return Recipe(
        length=recipe.length,
        global_batch_size=max(1, round(recipe.global_batch_size * ratio)),
        num_steps=max(1, round(recipe.num_steps / ratio)),
        warmup_steps=round(recipe.warmup_steps / ratio),
        learning_rate=float(f"{recipe.learning_rate * ratio**0.5:.4g}"),
    )


def _plan_phase(
    recipe: Recipe, machine: Hardware, preset: str, config: BertConfig, precision: str
) -> Phase:
    most = _most_rows(machine, preset, config, recipe.length, precision)
    accumulation, size = split_batch(
        recipe.global_batch_size, micro_batch_size=most, num_processes=machine.num_processes
    )
    speed = _rows_per_second(machine, config, recipe.length, precision)
    rows = recipe.num_steps * recipe.global_batch_size
    return Phase(
        length=recipe.length,
        global_batch_size=recipe.global_batch_size,
        micro_batch_size=size,
        accumulation=accumulation,
        num_steps=recipe.num_steps,
        warmup_steps=recipe.warmup_steps,
        learning_rate=recipe.learning_rate,
        memory_gib=round(
            estimate_gib(config, length=recipe.length, rows=size, precision=precision), 1
        ),
        hours=round(rows / speed / 3600, 1) if speed else None,
    )


def _most_rows(
    machine: Hardware, preset: str, config: BertConfig, length: int, precision: str
) -> int:
    """NVIDIA's for BERT-Large, else what fits by the estimate."""
    if not machine.num_gpus:
        return _CPU_ROWS[length]
    key = (length, _published(precision))
    if preset == "large" and key in machine.large_batches:
        return int(machine.large_batches[key])
    rows = most_rows(
        config, length=length, precision=precision, gpu_memory_gib=machine.gpu_memory_gib
    )
    if rows == 0:
        raise InputError(f"BERT {preset} does not fit {machine.name} at length {length}")
    return rows


def _rows_per_second(
    machine: Hardware, config: BertConfig, length: int, precision: str
) -> float | None:
    """BERT-Large's published speed; for another size by the work of a row."""
    published = machine.large_rows_per_second.get((length, _published(precision)))
    if published is None:
        return None
    large = BertConfig.preset("large", vocab_size=_VOCABULARY_SIZE)
    work = count_flops(large, length=length) / count_flops(config, length=length)
    return machine.num_nodes * published * work


def _published(precision: str) -> str:
    """The precision of NVIDIA's tables; bfloat16 needs what float16 needs."""
    return "float32" if precision == "float32" else "mixed_float16"


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
    machine: Hardware, preset: str, config: BertConfig, precision: str, phases: tuple[Phase, ...]
) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "preset": preset,
        "precision": precision,
        "num_processes": machine.num_processes,
    }
    if machine.num_nodes > 1:
        parameters["num_nodes"] = machine.num_nodes
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
    if preset not in _NVIDIA_PRESETS:
        return parameters
    share = max(1, round(_FINETUNE_BATCH / machine.num_processes))
    fits = most_rows(
        config,
        length=_FINETUNE_LENGTH,
        precision=precision,
        gpu_memory_gib=machine.gpu_memory_gib or machine.memory_gib,
    )
    return parameters | {
        "finetune_global_batch_size": share * machine.num_processes,
        "finetune_micro_batch_size": max(1, min(share, fits)),
        "finetune_learning_rates": [_FINETUNE_RATE],
    }


def _say(value: Any) -> str:
    """As the command line takes it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(plan: Plan) -> list[str]:
    memory = plan.hardware.gpu_memory_gib
    rows = {
        "rows of an update": [f"{phase.global_batch_size:,}" for phase in plan.phases],
        "rows a GPU at once": [str(phase.micro_batch_size) for phase in plan.phases],
        "accumulation steps": [str(phase.accumulation) for phase in plan.phases],
        "updates": [str(phase.num_steps) for phase in plan.phases],
        "of them warm-up": [str(phase.warmup_steps) for phase in plan.phases],
        "peak learning rate": [f"{phase.learning_rate:g}" for phase in plan.phases],
        "GiB of memory": [
            f"{phase.memory_gib}" + (f" of {memory}" if memory else "") for phase in plan.phases
        ],
        "hours expected": [str(phase.hours or "?") for phase in plan.phases],
    }
    head = ["", *(f"length {phase.length}" for phase in plan.phases)]
    lines = [head, *([name, *cells] for name, cells in rows.items())]
    text = [f"{first:<20}" + "".join(f"{cell:>14}" for cell in rest) for first, *rest in lines]
    hours = [phase.hours for phase in plan.phases if phase.hours is not None]
    return [*text, f"{'days in all':<20}{sum(hours) / 24:>28.1f}"] if hours else text
