"""What each training is given, by model size: batch sizes, steps and learning rates.

NVIDIA's are those of its BERT for TensorFlow 1. Its scripts multiply the learning rate that they
are given by the number of processes (run_pretraining.py and run_squad.py: `hvd.size()`); the
products stand here, as everywhere in this project.
"""

from dataclasses import dataclass, replace
from typing import Any

from kfp.dsl.graph_component import GraphComponent

from components.finetune.squad.config import FinetuneConfig
from components.pretrain.config import PretrainConfig
from components.shared.training.settings import Optimizer
from pipelines.bert import bert
from pipelines.classification import classification
from pipelines.machines.hardware import Hardware
from pipelines.squad import squad

# NVIDIA's scripts give BERT-Base what BERT-Large gets.
LARGE_PRESETS = ("base", "large")
# SQuAD 1.1's 87,599 training questions, a few of whose contexts need more than one window.
SQUAD_WINDOWS = 88_000


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training: a phase of pretraining, or fine-tuning."""

    name: str
    length: int
    """Tokens of a row or a window."""
    global_batch_size: int
    num_steps: int
    warmup_steps: int
    learning_rate: float
    optimizer: Optimizer = PretrainConfig.optimizer
    num_epochs: float | None = None
    """Of fine-tuning; pretraining counts steps."""

    @property
    def is_pretraining(self) -> bool:
        """Whether it predicts masked words."""
        return self.num_epochs is None


# BERT-Large with LAMB.
_NVIDIA = (
    Recipe(name="length 128", length=128, global_batch_size=65_536, num_steps=7038,
           warmup_steps=2000, learning_rate=6e-3),
    Recipe(name="length 512", length=512, global_batch_size=32_768, num_steps=1564,
           warmup_steps=200, learning_rate=4e-3),
)  # fmt: skip
# Continued pretraining of BERT-Base: NVIDIA's BioBERT, which starts from Google's weights, on 16
# GPUs (biobert/scripts/run_pretraining-pubmed_base_phase_{1,2}.sh); LAMB.
_BIOBERT = (
    Recipe(name="length 128", length=128, global_batch_size=65_536, num_steps=19_531,
           warmup_steps=1953, learning_rate=1.54e-3),
    Recipe(name="length 512", length=512, global_batch_size=32_768, num_steps=4340,
           warmup_steps=434, learning_rate=4.64e-3),
)  # fmt: skip
# Of other sizes: google-research/bert's README, "Pre-training tips": 2e-5 when starting from a
# checkpoint, 90,000 steps at length 128, then 10,000 at 512. The batch and the share of the warm-up
# are the paper's: 256 rows, 10,000 of 1,000,000 steps.
_GOOGLE_CONTINUED = tuple(
    Recipe(name=f"length {length}", length=length, global_batch_size=256, num_steps=num_steps,
           warmup_steps=num_steps // 100, learning_rate=2e-5, optimizer="adamw")
    for length, num_steps in ((128, 90_000), (512, 10_000))
)  # fmt: skip
# scripts/configs/squad_config.sh: 5e-6 on 8 GPUs, 2.5e-6 on 16; 2 epochs.
_NVIDIA_SQUAD_RATE, _NVIDIA_SQUAD_EPOCHS = 4e-5, 2.0
# google-research/bert's README on SQuAD; Hugging Face's run_qa has the same for BERT-Base. For
# machines without a batch of NVIDIA's.
_GOOGLE_SQUAD_BATCHES, _GOOGLE_SQUAD_RATE = {"base": 12, "large": 24}, 3e-5
PUBLISHED_SQUAD = (
    "NVIDIA, BERT-Large: 32 to 384 windows per step, learning rate 4e-05, F1 91.4",
    "Google, BERT-Large: 24 windows per step, learning rate 3e-05, F1 90.9",
    "Google, BERT-Base: 12 windows per step, learning rate 3e-05, F1 88.4",
    "Hugging Face, BERT-Base: 12 windows per step, learning rate 3e-05, F1 88.5",
)
"""What others published of SQuAD 1.1, all with two epochs."""
# scripts/run_glue.sh: 16 sentences on each of 8 GPUs, 3e-6 on each; 3 epochs.
_NVIDIA_GLUE_BATCH, _NVIDIA_GLUE_RATE, _NVIDIA_GLUE_EPOCHS = 128, 2.4e-5, 3.0


def recommend_pretraining(
    preset: str, *, global_batch_size: int = 0, continued: bool = False
) -> tuple[Recipe, ...]:
    """Recommend a recipe for both phases of pretraining.

    Args:
        preset: size of the model.
        continued: whether it starts from a checkpoint.
        global_batch_size: rows per optimizer step of the first phase; 0 is the recipe's. The
            second phase keeps its share of that. As many rows are read: steps and warm-up
            shrink as the batch grows, and the learning rate grows with its square root (You
            et al. 2020).
    """
    if continued:
        recipes = _BIOBERT if preset == "base" else _GOOGLE_CONTINUED
    else:
        recipes = _NVIDIA if preset in LARGE_PRESETS else _read_pretraining()
    ratio = global_batch_size / recipes[0].global_batch_size if global_batch_size else 1.0
    return tuple(
        replace(
            recipe,
            global_batch_size=max(1, round(recipe.global_batch_size * ratio)),
            num_steps=max(1, round(recipe.num_steps / ratio)),
            warmup_steps=round(recipe.warmup_steps / ratio),
            learning_rate=float(f"{recipe.learning_rate * ratio**0.5:.4g}"),
        )
        for recipe in recipes
    )


def recommend_finetuning(
    machine: Hardware, preset: str, precision: str, *, global_batch_size: int = 0
) -> Recipe:
    """Recommend a recipe for fine-tuning on SQuAD 1.1.

    Several machines share the batch of one, down to a window for each process: nobody published
    more than 384 windows per step.

    Args:
        machine: whose batch NVIDIA published, or not.
        preset: size of the model.
        precision: that of NVIDIA's tables.
        global_batch_size: windows per optimizer step; 0 is the recipe's. NVIDIA has one learning
            rate for 16 to 384 windows, so it stays.
    """
    defaults = _read_defaults(bert)
    batch = defaults["finetune_global_batch_size"]
    (learning_rate,) = defaults["finetune_learning_rates"]
    num_epochs = defaults["finetune_num_epochs"]
    if preset in LARGE_PRESETS:
        num_epochs = _NVIDIA_SQUAD_EPOCHS
        published = machine.squad_batches.get(precision)
        batch = published or _GOOGLE_SQUAD_BATCHES[preset]
        learning_rate = _NVIDIA_SQUAD_RATE if published else _GOOGLE_SQUAD_RATE
    batch = global_batch_size or share_evenly(batch, machine.num_processes)
    # As components/finetune/batches.py counts them.
    num_steps = max(1, int(SQUAD_WINDOWS // batch * num_epochs))
    return Recipe(
        name="SQuAD 1.1",
        length=FinetuneConfig.max_length_tokens,
        global_batch_size=batch,
        num_steps=num_steps,
        warmup_steps=round(FinetuneConfig.warmup_rate * num_steps),
        learning_rate=learning_rate,
        optimizer=FinetuneConfig.optimizer,
        num_epochs=num_epochs,
    )


def recommend_squad(machine: Hardware) -> dict[str, Any]:
    """Fine-tuning given weights of a size that nobody published a recipe for.

    Under the names of that pipeline's parameters.
    """
    defaults = _read_defaults(squad)
    batch = share_evenly(defaults["global_batch_size"], machine.num_processes)
    return {
        "num_epochs": defaults["num_epochs"],
        "global_batch_size": batch,
        "micro_batch_size": min(defaults["micro_batch_size"], batch // machine.num_processes),
        "learning_rates": defaults["learning_rates"],
    }


def recommend_classification(machine: Hardware, preset: str) -> dict[str, Any]:
    """Fine-tuning on labeled sentences, under the names of that pipeline's parameters."""
    defaults = _read_defaults(classification)
    batch, most = defaults["global_batch_size"], defaults["micro_batch_size"]
    learning_rates, num_epochs = defaults["learning_rates"], defaults["num_epochs"]
    if preset in LARGE_PRESETS:
        batch, learning_rates = _NVIDIA_GLUE_BATCH, [_NVIDIA_GLUE_RATE]
        num_epochs = _NVIDIA_GLUE_EPOCHS
    batch = share_evenly(batch, machine.num_processes)
    return {
        "num_epochs": num_epochs,
        "global_batch_size": batch,
        "micro_batch_size": min(most, batch // machine.num_processes),
        "learning_rates": learning_rates,
    }


def share_evenly(batch: int, num_processes: int) -> int:
    """The largest batch up to this one of which each process has as many; one at least."""
    return max(1, batch // num_processes) * num_processes


def _read_pretraining() -> tuple[Recipe, ...]:
    """The pipeline's own, made for the smallest preset."""
    values = _read_defaults(bert)
    return tuple(
        Recipe(
            name=f"length {length}",
            length=length,
            global_batch_size=values[f"pretrain_{length}_global_batch_size"],
            num_steps=values[f"pretrain_{length}_num_steps"],
            warmup_steps=round(
                values[f"pretrain_{length}_warmup_rate"] * values[f"pretrain_{length}_num_steps"]
            ),
            learning_rate=values[f"pretrain_{length}_learning_rate"],
        )
        for length in (128, 512)
    )


def _read_defaults(pipeline: GraphComponent) -> dict[str, Any]:
    inputs = pipeline.component_spec.inputs or {}
    return {name: item.default for name, item in inputs.items()}
