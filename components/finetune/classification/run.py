"""Fine-tuning on labelled sentences."""

from components.finetune.classification.config import FinetuneClassificationConfig
from components.shared.bert.outputs import train_and_summarize
from components.shared.stage import Metadata


def train(config: FinetuneClassificationConfig) -> None:
    """Train in one process; TensorFlow is imported there and not in the launcher."""
    from components.finetune.classification.train import train

    train(config)


def run(config: FinetuneClassificationConfig) -> Metadata:
    """Fine-tune on `num_processes` Horovod processes."""
    return train_and_summarize(config, train)
