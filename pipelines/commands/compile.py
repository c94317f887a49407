"""compile: write a pipeline's IR YAML."""

import argparse
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from pipelines.catalog import PIPELINES
from pipelines.commands.plan import add_recipe_flags
from pipelines.local.images import DIGESTS
from pipelines.machines.hardware import HARDWARE

# BERT-Large takes nine days on the slowest machine that has figures.
_DEADLINE_DAYS, _TTL_DAYS = 30, 7
_MOST_DAYS = 3650
RETRAINING = "retraining"
# What recipes depend on, but not those of this pipeline.
_OF_PRETRAINING = frozenset({"global_batch_size", "continued"})
_UNUSED = {
    "squad": _OF_PRETRAINING,
    "classification": _OF_PRETRAINING | {"finetune_global_batch_size"},
}
_KFP_VERSIONS = ("2.15", "2.16", "2.17")


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compile",
        help="write a pipeline's IR YAML, sized for a machine",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "pipeline",
        choices=(*PIPELINES, RETRAINING),
        help="bert: pretraining to SQuAD; squad: SQuAD from given weights; classification: "
        "fine-tuning on labeled sentences; "
        "retraining: bert, for schedules: looks for new data first and ends if it finds none",
    )
    parser.add_argument(
        "--hardware",
        default="cpu",
        help=f"machine to train on: {', '.join(HARDWARE)}; append xN for N machines (dgx-2x4)",
    )
    add_recipe_flags(parser)
    parser.add_argument(
        "--images",
        type=Path,
        default=DIGESTS,
        help="file of image digests written by `make push`; if the default file is missing, steps "
        "use image names",
    )
    parser.add_argument(
        "--volume",
        default=argparse.SUPPRESS,
        metavar="CLAIM:/PATH",
        help="PersistentVolumeClaim to mount at this path in every step, for parameters that name "
        "a folder or file; the claim belongs to the runs' namespace (default: none)",
    )
    parser.add_argument(
        "--queue",
        default="",
        help="queue in which steps wait for machines: a LocalQueue of Kueue, or a Queue of Volcano "
        "for MPIJobs",
    )
    parser.add_argument(
        "--queue-priority-class",
        default="",
        help="WorkloadPriorityClass of Kueue for these steps",
    )
    parser.add_argument(
        "--pod-priority-class",
        default="",
        help="PriorityClass of an MPIJob's pods",
    )
    parser.add_argument(
        "--kfp-version",
        choices=_KFP_VERSIONS,
        default=_KFP_VERSIONS[-1],
        help="oldest Kubeflow Pipelines version that must run the package; before 2.17, it sets no "
        "limits on a whole run, and before 2.16, no user for its steps' pods",
    )
    parser.add_argument(
        "--ttl-days",
        type=int,
        default=_TTL_DAYS,
        help="how long the cluster keeps a finished run's pods and their logs; 0 uses the "
        "cluster's settings",
    )
    parser.add_argument(
        "--deadline-days",
        type=int,
        default=_DEADLINE_DAYS,
        help="time limit of a run, including time in a queue; 0 sets none",
    )
    parser.add_argument(
        "--format",
        choices=("ir", "kubernetes"),
        default="ir",
        help="ir: the package itself; kubernetes: a Pipeline and a PipelineVersion for kubectl, "
        "for clusters whose Kubeflow stores pipelines in Kubernetes",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=argparse.SUPPRESS,
        help="file to write (default: runs/PIPELINE.yaml)",
    )
    parser.set_defaults(function=compile_pipeline)


def compile_pipeline(
    pipeline: str,
    hardware: str,
    images: Path,
    format: str = "ir",  # noqa: A002 - one name all the way
    output: Path | None = None,
    volume: str = "",
    queue: str = "",
    queue_priority_class: str = "",
    pod_priority_class: str = "",
    kfp_version: str = _KFP_VERSIONS[-1],
    ttl_days: int = _TTL_DAYS,
    deadline_days: int = _DEADLINE_DAYS,
    **recipe: Any,
) -> int:
    """Write the package and print its path."""
    from kfp import compiler

    from pipelines.kubeflow.native import write_resources
    from pipelines.local.images import read_digests
    from pipelines.machines.sizing import fit
    from pipelines.machines.tasks import Queue, Volume
    from pipelines.retraining import retraining

    output = output or Path("runs", f"{pipeline}.yaml")
    if output.suffix != ".yaml":
        raise InputError(f"--output {output}: must end with .yaml")
    if unused := _UNUSED.get(pipeline, frozenset()) & recipe.keys():
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in sorted(unused))
        raise InputError(f"{flags}: of no effect in a package of {pipeline}; leave it out")
    digests = {} if images == DIGESTS and not images.exists() else read_digests(images)
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
    package = fit(PIPELINES["bert" if pipeline == RETRAINING else pipeline], hardware, **settings)
    if pipeline == RETRAINING:
        package = fit(retraining(package), hardware, **settings)
    _leave_out_inner_texts(package.pipeline_spec)
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


def _leave_out_inner_texts(spec: Any) -> None:
    """Leave the texts out that Kubeflow does not show: those of the steps' own inputs and outputs.

    The pipeline's parameters keep theirs. The rest would be a seventh of the largest package, for
    which a ConfigMap and `kubectl apply` have limits.
    """
    for component in spec.components.values():
        for definitions in (component.input_definitions, component.output_definitions):
            for one in (*definitions.parameters.values(), *definitions.artifacts.values()):
                one.ClearField("description")
