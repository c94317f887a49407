"""compile: write the pipeline's IR YAML."""

import argparse
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from pipelines.commands.plan import add_recipe_flags
from pipelines.hardware import HARDWARE
from pipelines.images import DIGESTS


def add_parser(commands: Any) -> None:
    """Its flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compile",
        help="write the pipeline's IR YAML, sized for a machine",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--pipeline",
        choices=("bert", "classification"),
        default="bert",
        help="pretraining to SQuAD, or fine-tuning on labelled sentences",
    )
    parser.add_argument(
        "--hardware",
        default="cpu",
        help=f"what trains: {', '.join(HARDWARE)}, or one of them with xN for N machines (dgx-2x4)",
    )
    add_recipe_flags(parser)
    parser.add_argument(
        "--images",
        type=Path,
        default=DIGESTS,
        help="the images by digest, as `make push` writes them; without the default file the "
        "steps have the images' names",
    )
    parser.add_argument(
        "--volume",
        default=argparse.SUPPRESS,
        metavar="CLAIM:/PATH",
        help="a PersistentVolumeClaim of the runs' namespace that every step has mounted there, "
        "for parameters that name a folder or a file (default: none)",
    )
    parser.add_argument(
        "--only-newer-dump",
        action="store_true",
        help="for schedules: a look for a newer dump comes first, and where there is none the "
        "run ends as nothing new",
    )
    parser.add_argument(
        "--format",
        choices=("ir", "kubernetes"),
        default="ir",
        help="the package itself, or a Pipeline and a PipelineVersion for kubectl, where Kubeflow "
        "keeps pipelines in Kubernetes",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=argparse.SUPPRESS,
        help="(default: runs/bert.yaml or runs/classification.yaml)",
    )
    parser.set_defaults(function=compile_pipeline)


def compile_pipeline(
    hardware: str,
    images: Path,
    only_newer_dump: bool,
    format: str = "ir",  # noqa: A002 - one name all the way
    output: Path | None = None,
    pipeline: str = "bert",
    volume: str = "",
    **recipe: Any,
) -> int:
    """Write the package; print its path."""
    from kfp import compiler

    from pipelines.bert import bert
    from pipelines.classification import classification
    from pipelines.images import read_digests
    from pipelines.native import write_resources
    from pipelines.package import fit
    from pipelines.retraining import retraining
    from pipelines.tasks import Volume

    output = output or Path("runs", f"{pipeline}.yaml")
    if output.suffix != ".yaml":
        raise InputError(f"--output {output}: must end with .yaml")
    if pipeline != "bert" and {"global_batch_size", "finetune_global_batch_size"} & recipe.keys():
        raise InputError(
            "--global-batch-size and --finetune-global-batch-size are of the pipeline bert; a "
            f"package of {pipeline} has the parameter global_batch_size"
        )
    digests = {} if images == DIGESTS and not images.exists() else read_digests(images)
    if only_newer_dump and pipeline != "bert":
        raise InputError("--only-newer-dump: only the pipeline bert has a dump to look for")
    chosen = bert if pipeline == "bert" else classification
    settings = {"images": digests, "volume": Volume.parse(volume) if volume else None, **recipe}
    package = fit(chosen, hardware, **settings)
    if only_newer_dump:
        package = fit(retraining(package), hardware, **settings)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if format == "kubernetes":
            write_resources(package, output)
        else:
            compiler.Compiler().compile(package, str(output))
    except OSError as error:
        raise InputError(
            f"--output {output}: {error.strerror}; name a file that can be written"
        ) from None
    print(output)
    return 0
