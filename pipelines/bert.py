"""The pipeline: Wikipedia or other text and SQuAD in, a BERT that answers questions out."""

from dataclasses import replace

from components.ingest.component import ingest
from components.ingest.config import IngestConfig
from components.preprocess.component import preprocess
from components.preprocess.config import PreprocessConfig
from components.pretrain.component import pretrain
from components.pretrain.config import PretrainConfig
from pipelines.finetuning import finetune_and_release
from pipelines.squad_steps import EVALUATE, FINETUNE, RELEASE, SQUAD, Outputs
from pipelines.steps import HIDDEN_SERVER, HIDDEN_TRAINING, Inputs, Step, make_pipeline

_PHASE = ("num_steps", "global_batch_size", "micro_batch_size", "learning_rate", "warmup_rate")
_HIDDEN_PHASE = ("sequence_length", "mask_rate", *HIDDEN_TRAINING)

STEPS = {
    "ingest": Step(config=IngestConfig, hidden=HIDDEN_SERVER),
    "preprocess": Step(
        config=PreprocessConfig,
        own=("max_bad_rate",),
        # Masks are drawn while training; those in the records are for other trainers.
        hidden=("sequence_lengths", "format", "mask_rate", "max_predictions", "whole_word_masking",
                "short_sequence_rate"),
    ),
    "pretrain_128": Step(
        config=PretrainConfig,
        own=_PHASE,
        hidden=_HIDDEN_PHASE,
        defaults={"sequence_length": 128},
    ),
    "pretrain_512": Step(
        config=PretrainConfig,
        own=_PHASE,
        hidden=_HIDDEN_PHASE,
        defaults={"num_steps": 100, "global_batch_size": 16, "micro_batch_size": 8,
                  "learning_rate": 6e-3, "sequence_length": 512},
    ),
    "finetune": replace(
        FINETUNE,
        own=("num_epochs", "global_batch_size", "micro_batch_size", "learning_rate", "seed"),
    ),
    "evaluate": EVALUATE,
    "release": RELEASE,
}  # fmt: skip


@make_pipeline(
    name="bert",
    description="Pretrain BERT on Wikipedia or text of your own in two phases, fine-tune and "
    "evaluate on SQuAD.",
    steps=STEPS,
)
def bert(inputs: Inputs) -> Outputs:
    """Pretrain BERT on text, fine-tune it on SQuAD, and measure its accuracy and speed."""
    fetched = ingest(**inputs["ingest"]).set_display_name("Fetch and check the inputs")

    prepared = preprocess(
        dump_files=fetched.outputs["dump_files"],
        text_files=fetched.outputs["text_files"],
        given_dataset=fetched.outputs["given_dataset"],
        given_vocabulary=fetched.outputs["given_vocabulary"],
        initial_checkpoint=fetched.outputs["given_checkpoint"],
        sequence_lengths="128,512",
        **inputs["preprocess"],
    ).set_display_name("Turn the text into records")

    phase_1 = pretrain(
        dataset=prepared.outputs["dataset"],
        vocabulary=prepared.outputs["vocabulary"],
        initial_checkpoint=fetched.outputs["given_checkpoint"],
        **inputs["pretrain_128"],
    ).set_display_name("Pretrain at length 128")

    phase_2 = pretrain(
        dataset=prepared.outputs["dataset"],
        vocabulary=prepared.outputs["vocabulary"],
        initial_checkpoint=phase_1.outputs["checkpoint"],
        **inputs["pretrain_512"],
    ).set_display_name("Pretrain at length 512")

    return finetune_and_release(
        inputs,
        SQUAD,
        Outputs,
        data=fetched.outputs["squad"],
        initial_checkpoint=phase_2.outputs["checkpoint"],
        pretrain_128_history=phase_1.outputs["history"],
        pretrain_512_history=phase_2.outputs["history"],
    )
