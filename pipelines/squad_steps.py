"""The last steps of each pipeline that ends in a model that answers questions."""

from typing import NamedTuple

from kfp import dsl

from components.choose.component import choose
from components.evaluate.squad.component import evaluate
from components.evaluate.squad.config import EvaluateConfig
from components.finetune.squad.component import finetune
from components.finetune.squad.config import FinetuneConfig
from components.release.component import release
from components.release.config import ReleaseConfig
from pipelines.finetuning import LOOPED, Finetuning
from pipelines.steps import HIDDEN_TRAINING, Step

FINETUNE = Step(
    config=FinetuneConfig,
    hidden=("warmup_rate", "optimizer", "max_query_tokens", *HIDDEN_TRAINING),
    looped=LOOPED,
)
EVALUATE = Step(
    config=EvaluateConfig,
    own=("batch_size",),
    hidden=("max_query_tokens", "max_answer_length_tokens", "n_best_size",
            "num_warmup_batches", "num_report_questions"),
)  # fmt: skip
RELEASE = Step(config=ReleaseConfig)

SQUAD = Finetuning(
    title="Fine-tune on SQuAD",
    data="squad",
    finetune=finetune,
    evaluate=evaluate,
    choose=choose,
    release=release,
)


class Outputs(NamedTuple):
    """What such a pipeline returns."""

    checkpoint: dsl.Model
    metrics: dsl.Metrics
    report: dsl.HTML
    summary: dsl.Markdown
    release_metrics: dsl.Metrics
    release_report: dsl.HTML
