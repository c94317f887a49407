"""plan: say what a machine is to be given."""

import argparse
from typing import Any

from components.shared.bert.config import PRESETS
from components.shared.training.settings import PRECISIONS
from pipelines.machines.hardware import HARDWARE


def add_parser(commands: Any) -> None:
    """Its flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "plan", help="say what a machine is to be given: batches, steps, rates, memory, hours"
    )
    parser.add_argument(
        "--hardware",
        required=True,
        help=f"{', '.join(HARDWARE)}, or one of them with xN for N machines (dgx-2x4)",
    )
    add_recipe_flags(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(function=print_plan)


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """What the recipe depends on besides the machine; the arguments of `make_plan`."""
    # A default that is left out is the recipe's own.
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default=argparse.SUPPRESS,
        help="size of the model (default: large, tiny on cpu)",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=argparse.SUPPRESS,
        help="of what trains (default: the machine's fastest)",
    )
    parser.add_argument(
        "--global-batch-size",
        type=int,
        default=argparse.SUPPRESS,
        help="rows of one update of the first phase (default: the recipe's)",
    )
    parser.add_argument(
        "--finetune-global-batch-size",
        type=int,
        default=argparse.SUPPRESS,
        help="windows of one update of fine-tuning (default: the recipe's)",
    )


def print_plan(format: str, **settings: Any) -> int:  # noqa: A002 - one name all the way
    """Print the recipe."""
    from pipelines.machines.plan import make_plan

    plan = make_plan(**settings)
    print(plan.to_json() if format == "json" else plan.to_text())
    return 0
