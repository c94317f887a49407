"""compile: write the pipeline's IR YAML."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Its flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compile", help="write the pipeline's IR YAML"
    )
    parser.add_argument("--output", type=Path, default=Path("runs/bert.yaml"))
    parser.set_defaults(function=compile_pipeline)


def compile_pipeline(output: Path) -> int:
    """Write the package; print its path."""
    from kfp import compiler

    from pipelines.bert import bert

    output.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(bert, str(output))
    print(output)
    return 0
