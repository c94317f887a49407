"""plan: show the recommended recipe for a machine."""

import argparse
from typing import Any

from components.shared.bert.config import PRESETS
from components.shared.training.precision import PRECISIONS
from pipelines.machines.hardware import HARDWARE


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "plan",
        help="show the recommended recipe for a machine: batch sizes, steps, learning rates, "
        "memory, hours",
    )
    parser.add_argument(
        "--hardware",
        required=True,
        help=f"machine to train on: {', '.join(HARDWARE)}; append xN for N machines (dgx-2x4)",
    )
    add_recipe_flags(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(function=print_plan)


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags for what else the recipe depends on: the arguments of `make_plan`."""
    # A default that is left out is the recipe's own.
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default=argparse.SUPPRESS,
        help="model size (default: large; tiny on cpu)",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=argparse.SUPPRESS,
        help="arithmetic precision (default: the machine's fastest)",
    )
    parser.add_argument(
        "--continued",
        action="store_true",
        default=argparse.SUPPRESS,
        help="recommend for pretraining that starts from a checkpoint (--initial-checkpoint)",
    )
    parser.add_argument(
        "--global-batch-size",
        type=int,
        default=argparse.SUPPRESS,
        help="rows per optimizer step in the first phase of pretraining (default: the recipe's)",
    )
    parser.add_argument(
        "--finetune-global-batch-size",
        type=int,
        default=argparse.SUPPRESS,
        help="windows per optimizer step in fine-tuning (default: the recipe's)",
    )


def print_plan(format: str, **settings: Any) -> int:  # noqa: A002 - one name all the way
    """Print the recipe."""
    from pipelines.machines.plan import make_plan

    plan = make_plan(**settings)
    print(plan.to_json() if format == "json" else plan.to_text())
    return 0
