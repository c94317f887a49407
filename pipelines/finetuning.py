"""The last steps of every pipeline: fine-tune, evaluate, choose the best model, and release it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from pipelines.steps import Inputs

LOOPED = {
    "learning_rate": "Several values, separated by commas, fine-tune one model each; the best on "
    "the development set is kept.",
    "seed": "Several values, separated by commas, fine-tune one model each per learning rate; "
    "the report then shows the scores' mean and standard deviation over the seeds.",
}
"""What a pipeline says of the settings that it tries several values of."""


@dataclass(frozen=True, kw_only=True)
class Finetuning:
    """The components of a task, and what passes between them beside what all tasks have."""

    title: str
    """What the step that trains is called."""
    data: str
    """The argument that takes the task's data."""
    finetune: BaseComponent
    evaluate: BaseComponent
    choose: BaseComponent
    release: BaseComponent
    collected: Mapping[str, str] = field(default_factory=dict)
    """Arguments of choose, and the output of evaluate that each collects."""
    released: tuple[str, ...] = ()
    """Outputs of choose that release takes under the same names."""


def finetune_and_release(
    inputs: Inputs,
    task: Finetuning,
    outputs: Any,
    *,
    data: Any,
    initial_checkpoint: Any,
    **pretraining_histories: Any,
) -> Any:
    """Fine-tune with each learning rate and seed, evaluate each model, and release the best.

    Args:
        inputs: the settings of the steps finetune, evaluate and release.
        task: what is learned.
        outputs: the named tuple of what the pipeline returns, out of what choose and release do.
        data: the channel of the task's data, from ingest.
        initial_checkpoint: the channel of the weights to start from.
        pretraining_histories: channels of what the report shows of pretraining, if there was any.
    """
    given = {task.data: data}
    learning_rates, seeds = (inputs["finetune"][name] for name in ("learning_rate", "seed"))
    # The iterations run in parallel on a cluster and one after the other on one machine.
    with (
        dsl.ParallelFor(learning_rates, name="learning-rates") as learning_rate,
        dsl.ParallelFor(seeds, name="seeds") as seed,
    ):
        finetuned = task.finetune(
            initial_checkpoint=initial_checkpoint,
            **given,
            **inputs["finetune"] | {"learning_rate": learning_rate, "seed": seed},
        ).set_display_name(task.title)

        evaluated = task.evaluate(
            checkpoint=finetuned.outputs["checkpoint"],
            finetune_history=finetuned.outputs["history"],
            **given,
            **pretraining_histories,
            **inputs["evaluate"],
        ).set_display_name("Evaluate")

    # Collected in the order of the learning rates, and for each in that of the seeds.
    collected = {
        "candidate_metrics": "evaluate_metrics",
        "candidate_reports": "report",
        "candidate_summaries": "summary",
        **task.collected,
    }
    chosen = task.choose(
        candidate_checkpoints=dsl.Collected(finetuned.outputs["checkpoint"]),
        **{name: dsl.Collected(evaluated.outputs[output]) for name, output in collected.items()},
        learning_rates=learning_rates,
        seeds=seeds,
    ).set_display_name("Choose the best model")

    released = task.release(
        checkpoint=chosen.outputs["checkpoint"],
        candidate_metrics=chosen.outputs["chosen_metrics"],
        **given,
        **{name: chosen.outputs[name] for name in task.released},
        **inputs["release"],
    ).set_display_name("Release")
    # The model in use changes, though the parameters do not.
    released.set_caching_options(False)

    channels = {**chosen.outputs, "metrics": chosen.outputs["chosen_metrics"], **released.outputs}
    return outputs(**{name: channels[name] for name in outputs._fields})
