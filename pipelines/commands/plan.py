"""plan: show the recommended recipe for a machine: batch sizes, steps, memory, hours."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.shared.bert.config import Precision, Preset
from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import Rare, Switch
from pipelines.commands.output import Output


@dataclass(frozen=True, kw_only=True)
class RecipeSettings:
    """What a recipe depends on: the arguments of `make_plan`."""

    hardware: str
    """Machine to train on: cpu, dgx-1v-16g, dgx-1v-32g, dgx-2, dgx-a100, gke-v100x8 or
    gke-a2-megagpu-16g. Append xN for N machines (dgx-2x4)."""
    preset: Preset | None = None
    """Model size. Without it, large; tiny on cpu."""
    precision: Precision | None = None
    """Arithmetic precision. Without it, the machine's fastest."""
    continued: Rare[Switch] = False
    """Recommend for pretraining that starts from a checkpoint (--initial-checkpoint)."""
    global_batch_size: Rare[int | None] = None
    """Rows per optimizer step in the first phase of pretraining. Without it, the recipe's."""
    finetune_global_batch_size: Rare[int | None] = None
    """Windows per optimizer step in fine-tuning. Without it, the recipe's."""

    def list_choices(self) -> dict[str, Any]:
        """Return what was chosen besides the machine; `make_plan` has the other defaults."""
        choices = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(RecipeSettings)
            if field.name != "hardware"
        }
        return {
            name: value
            for name, value in choices.items()
            if value is not None and value is not False
        }


@dataclass(frozen=True, kw_only=True)
class PlanSettings(RecipeSettings):
    """Show the recommended batch sizes, steps, learning rates, memory and hours for a machine."""

    output: Rare[Output] = "text"
    """Output format."""


def main(arguments: Sequence[str]) -> int:
    """Print the recipe."""
    from pipelines.machines.machine_plan import make_plan

    settings = parse_config(PlanSettings, arguments, prog="python -m pipelines plan")
    plan = make_plan(settings.hardware, **settings.list_choices())
    print(plan.to_json() if settings.output == "json" else plan.to_text())
    return 0
