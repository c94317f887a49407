"""The last steps of each pipeline that ends in a model that answers questions."""

from typing import Any, NamedTuple

from kfp import dsl

from components.choose.component import choose
from components.evaluate.squad.component import evaluate
from components.evaluate.squad.config import EvaluateConfig
from components.finetune.squad.component import finetune
from components.finetune.squad.config import FinetuneConfig
from components.release.component import release
from components.release.config import ReleaseConfig
from pipelines.steps import HIDDEN_TRAINING, Inputs, Step

FINETUNE = Step(
    config=FinetuneConfig,
    hidden=("warmup_rate", "optimizer", "max_query_tokens", *HIDDEN_TRAINING),
    looped={
        "learning_rate": "Several values, separated by commas, fine-tune one model each; the one "
        "with the best F1 on the development set is kept.",
        "seed": "Several values, separated by commas, fine-tune one model each per learning rate; "
        "the report then shows the scores' mean and standard deviation over the seeds.",
    },
)
EVALUATE = Step(
    config=EvaluateConfig,
    own=("batch_size",),
    hidden=("max_query_tokens", "max_answer_length_tokens", "n_best_size",
            "num_warmup_batches", "num_report_questions"),
)  # fmt: skip
RELEASE = Step(config=ReleaseConfig)


class Outputs(NamedTuple):
    """What such a pipeline returns."""

    checkpoint: dsl.Model
    metrics: dsl.Metrics
    report: dsl.HTML
    summary: dsl.Markdown
    release_metrics: dsl.Metrics
    release_report: dsl.HTML


def finetune_and_release(
    inputs: Inputs, *, squad: Any, initial_checkpoint: Any, **pretraining_histories: Any
) -> Outputs:
    """Fine-tune with each learning rate and seed, evaluate each model, and release the best.

    Args:
        inputs: the settings of the steps finetune, evaluate and release.
        squad: the channel of ingest's SQuAD files.
        initial_checkpoint: the channel of the weights to start from.
        pretraining_histories: channels of what the report shows of pretraining, if there was any.
    """
    learning_rates, seeds = (inputs["finetune"][name] for name in ("learning_rate", "seed"))
    # The iterations run in parallel on a cluster and one after the other on one machine.
    with (
        dsl.ParallelFor(learning_rates, name="learning-rates") as learning_rate,
        dsl.ParallelFor(seeds, name="seeds") as seed,
    ):
        finetuned = finetune(
            squad=squad,
            initial_checkpoint=initial_checkpoint,
            **inputs["finetune"] | {"learning_rate": learning_rate, "seed": seed},
        ).set_display_name("Fine-tune on SQuAD")

        evaluated = evaluate(
            squad=squad,
            checkpoint=finetuned.outputs["checkpoint"],
            finetune_history=finetuned.outputs["history"],
            **pretraining_histories,
            **inputs["evaluate"],
        ).set_display_name("Evaluate")

    # Collected in the order of the learning rates, and for each in that of the seeds.
    chosen = choose(
        candidate_checkpoints=dsl.Collected(finetuned.outputs["checkpoint"]),
        candidate_metrics=dsl.Collected(evaluated.outputs["evaluate_metrics"]),
        candidate_reports=dsl.Collected(evaluated.outputs["report"]),
        candidate_summaries=dsl.Collected(evaluated.outputs["summary"]),
        learning_rates=learning_rates,
        seeds=seeds,
    ).set_display_name("Choose the best model")

    released = release(
        checkpoint=chosen.outputs["checkpoint"],
        squad=squad,
        candidate_metrics=chosen.outputs["chosen_metrics"],
        **inputs["release"],
    ).set_display_name("Release")
    # The model in use changes, though the parameters do not.
    released.set_caching_options(False)

    return Outputs(
        checkpoint=chosen.outputs["checkpoint"],
        metrics=chosen.outputs["chosen_metrics"],
        report=chosen.outputs["report"],
        summary=chosen.outputs["summary"],
        release_metrics=released.outputs["release_metrics"],
        release_report=released.outputs["release_report"],
    )
