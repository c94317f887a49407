"""The fine-tuning stage."""

from components.finetune.config import FinetuneConfig
from components.shared.bert.outputs import train_and_summarize
from components.shared.stage import Metadata


def train(config: FinetuneConfig) -> None:
    """Train in one process; TensorFlow is imported there and not in the launcher."""
    from components.finetune.train import train

    train(config)


def run(config: FinetuneConfig) -> Metadata:
    """Fine-tune on `num_processes` Horovod processes."""
    return train_and_summarize(config, train)
