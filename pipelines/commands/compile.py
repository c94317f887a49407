"""compile: write a pipeline's IR YAML, sized for a machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.shared.errors import InputError
from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import Positional, Rare
from pipelines.catalog import PIPELINES
from pipelines.commands.plan import RecipeSettings
from pipelines.local.images import DIGESTS

_MOST_DAYS = 3650
RETRAINING = "retraining"
# What recipes depend on, but not those of this pipeline.
_OF_PRETRAINING = frozenset({"global_batch_size", "continued"})
_UNUSED = {
    "squad": _OF_PRETRAINING,
    "classification": _OF_PRETRAINING | {"finetune_global_batch_size"},
}


@dataclass(frozen=True, kw_only=True)
class CompileSettings(RecipeSettings):
    """Write a pipeline's IR YAML, sized for a machine."""

    pipeline: Positional[str]
    """bert: pretraining to SQuAD; squad: SQuAD from given weights; classification: fine-tuning on
    labeled sentences; retraining: bert, for schedules: looks for new data first and ends if it
    finds none."""
    hardware: str = "cpu"
    images: Path = DIGESTS
    """File of image digests written by `make push`. If the default file is missing, steps use image
    names."""
    volume: str = ""
    """PersistentVolumeClaim to mount at a path in every step (CLAIM:/PATH), for parameters that
    name a folder or file. The claim belongs to the runs' namespace. Empty mounts none."""
    output: Path | None = None
    """File to write. Without it, runs/PIPELINE.yaml."""
    queue: Rare[str] = ""
    """Queue in which steps wait for machines: a LocalQueue of Kueue, or a Queue of Volcano for
    MPIJobs."""
    queue_priority_class: Rare[str] = ""
    """WorkloadPriorityClass of Kueue for these steps."""
    pod_priority_class: Rare[str] = ""
    """PriorityClass of an MPIJob's pods."""
    kfp_version: Rare[Literal["2.15", "2.16", "2.17"]] = "2.17"
    """Oldest Kubeflow Pipelines version that must run the package. Before 2.17, it sets no limits
    on a whole run, and before 2.16, no user for its steps' pods and no names for its loops. An
    older server drops all Kubernetes settings of the package, such as secrets, without an error."""
    ttl_days: Rare[int] = 7
    """How long the cluster keeps a finished run's pods and their logs. 0 uses the cluster's
    settings."""
    # BERT-Large takes nine days on the slowest machine that has figures.
    deadline_days: Rare[int] = 30
    """Time limit of a run, including time in a queue. 0 sets none."""
    format: Rare[Literal["ir", "kubernetes"]] = "ir"
    """ir: the package itself; kubernetes: a Pipeline and a PipelineVersion for kubectl, for
    clusters whose Kubeflow stores pipelines in Kubernetes."""

    def __post_init__(self) -> None:
        """Validate the settings that need no reading of files."""
        names = (*PIPELINES, RETRAINING)
        if self.pipeline not in names:
            raise InputError(f"PIPELINE must be one of {', '.join(names)}, got {self.pipeline!r}")
        if self.output is not None and self.output.suffix != ".yaml":
            raise InputError(f"--output {self.output}: must end with .yaml")
        if unused := _UNUSED.get(self.pipeline, frozenset()) & self.list_choices().keys():
            flags = " and ".join(f"--{name.replace('_', '-')}" for name in sorted(unused))
            raise InputError(f"{flags}: of no effect in a package of {self.pipeline}; leave it out")
        limits = {"--ttl-days": self.ttl_days, "--deadline-days": self.deadline_days}
        for flag, days in limits.items():
            if not 0 <= days <= _MOST_DAYS:
                raise InputError(f"{flag} must be from 0 to {_MOST_DAYS}, got {days}")


def main(arguments: Sequence[str]) -> int:
    """Write the package and print its path."""
    settings = parse_config(CompileSettings, arguments, prog="python -m pipelines compile")
    print(compile_pipeline(settings))
    return 0


def compile_pipeline(settings: CompileSettings) -> Path:
    """Write the package; return its path."""
    from kfp import compiler

    from pipelines.kubeflow.native import write_resources
    from pipelines.local.images import read_digests
    from pipelines.machines.sizing import fit
    from pipelines.machines.step_resources import Queue, Volume
    from pipelines.retraining import retraining

    name, images = settings.pipeline, settings.images
    output = settings.output or Path("runs", f"{name}.yaml")
    keywords = {
        "images": {} if images == DIGESTS and not images.exists() else read_digests(images),
        "volume": Volume.parse(settings.volume) if settings.volume else None,
        "queue": Queue(
            queue=settings.queue,
            queue_priority_class=settings.queue_priority_class,
            pod_priority_class=settings.pod_priority_class,
        ),
        "kfp_version": settings.kfp_version,
        "ttl_days": settings.ttl_days,
        "deadline_days": settings.deadline_days,
        **settings.list_choices(),
    }
    pipeline = PIPELINES["bert" if name == RETRAINING else name]
    package = fit(pipeline, settings.hardware, **keywords)
    if name == RETRAINING:
        package = fit(retraining(package), settings.hardware, **keywords)
    _leave_out_inner_texts(package.pipeline_spec)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if settings.format == "kubernetes":
            write_resources(package, output)
        else:
            compiler.Compiler().compile(package, str(output))
    except OSError as error:
        raise InputError(
            f"--output {output}: {error.strerror}; name a file that can be written"
        ) from None
    return output


def _leave_out_inner_texts(spec: Any) -> None:
    """Leave the texts out that Kubeflow does not show: those of the steps' own inputs and outputs.

    The pipeline's parameters keep theirs. The rest would be a seventh of the largest package, for
    which a ConfigMap and `kubectl apply` have limits.
    """
    for component in spec.components.values():
        for definitions in (component.input_definitions, component.output_definitions):
            for one in (*definitions.parameters.values(), *definitions.artifacts.values()):
                one.ClearField("description")
