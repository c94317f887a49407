"""compile: write the pipeline's IR YAML."""

import argparse
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from pipelines.commands.plan import add_recipe_flags
from pipelines.local.images import DIGESTS
from pipelines.machines.hardware import HARDWARE

# BERT-Large takes nine days on the slowest machine that has figures.
_DEADLINE_DAYS, _TTL_DAYS = 30, 7
_MOST_DAYS = 3650
_KFP_VERSIONS = ("2.15", "2.16", "2.17")


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
        "--queue",
        default="",
        help="the queue in which steps wait for the machines they take: a LocalQueue of Kueue, or "
        "for MPIJobs a Queue of Volcano",
    )
    parser.add_argument(
        "--queue-priority-class",
        default="",
        help="Kueue's WorkloadPriorityClass of those steps",
    )
    parser.add_argument(
        "--pod-priority-class",
        default="",
        help="the PriorityClass of an MPIJob's pods",
    )
    parser.add_argument(
        "--kfp-version",
        choices=_KFP_VERSIONS,
        default=_KFP_VERSIONS[-1],
        help="the oldest Kubeflow Pipelines that must run the package; before 2.17 it has no "
        "limits of a whole run, before 2.16 no user of its steps' pods",
    )
    parser.add_argument(
        "--ttl-days",
        type=int,
        default=_TTL_DAYS,
        help="how long the cluster keeps a finished run's pods and their logs; 0 leaves that to "
        "the cluster's settings",
    )
    parser.add_argument(
        "--deadline-days",
        type=int,
        default=_DEADLINE_DAYS,
        help="after how long a run is ended, time in a queue included; 0 never ends it",
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
    queue: str = "",
    queue_priority_class: str = "",
    pod_priority_class: str = "",
    kfp_version: str = _KFP_VERSIONS[-1],
    ttl_days: int = _TTL_DAYS,
    deadline_days: int = _DEADLINE_DAYS,
    **recipe: Any,
) -> int:
    """Write the package; print its path."""
    from kfp import compiler

    from pipelines.bert import bert
    from pipelines.classification import classification
    from pipelines.kubeflow.native import write_resources
    from pipelines.local.images import read_digests
    from pipelines.machines.sizing import fit
    from pipelines.machines.tasks import Queue, Volume
    from pipelines.retraining import retraining

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
    for flag, days in (("--ttl-days", ttl_days), ("--deadline-days", deadline_days)):
        if not 0 <= days <= _MOST_DAYS:
            raise InputError(f"{flag} must be from 0 to {_MOST_DAYS}, got {days}")
    settings = {
        "images": digests,
        "volume": Volume.parse(volume) if volume else None,
        "queue": Queue(
            queue=queue,
            queue_priority_class=queue_priority_class,
            pod_priority_class=pod_priority_class,
        ),
        "kfp_version": kfp_version,
        "ttl_days": ttl_days,
        "deadline_days": deadline_days,
        **recipe,
    }
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
