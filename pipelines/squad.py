"""The pipeline: a pretrained BERT and SQuAD in, a BERT that answers questions out."""

from dataclasses import replace

from components.ingest.squad.component import ingest_squad
from components.ingest.squad.config import IngestSquadConfig
from pipelines.finetuning import finetune_and_release
from pipelines.squad_steps import EVALUATE, FINETUNE, RELEASE, SQUAD, Outputs
from pipelines.steps import HIDDEN_SERVER, Inputs, Step, make_pipeline

STEPS = {
    "ingest": Step(config=IngestSquadConfig, hidden=HIDDEN_SERVER),
    "finetune": replace(
        FINETUNE,
        # Google's and Hugging Face's recipe for BERT-Base.
        defaults={"learning_rate": 3e-5, "global_batch_size": 12, "micro_batch_size": 12},
    ),
    "evaluate": EVALUATE,
    "release": RELEASE,
}


@make_pipeline(
    name="squad",
    description="Fine-tune a pretrained BERT on SQuAD and evaluate it.",
    steps=STEPS,
)
def squad(inputs: Inputs) -> Outputs:
    """Fine-tune a pretrained BERT on SQuAD, and measure its accuracy and speed."""
    fetched = ingest_squad(**inputs["ingest"]).set_display_name("Fetch and check the inputs")

    return finetune_and_release(
        inputs,
        SQUAD,
        Outputs,
        data=fetched.outputs["squad"],
        initial_checkpoint=fetched.outputs["given_checkpoint"],
    )
