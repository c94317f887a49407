"""The pretraining stage."""

from components.pretrain.config import PretrainConfig
from components.shared.bert.outputs import train_and_summarize
from components.shared.stage import Metadata


def train(config: PretrainConfig) -> None:
    """Train in one process; TensorFlow is imported there and not in the launcher."""
    from components.pretrain.train import train

    train(config)


def run(config: PretrainConfig) -> Metadata:
    """Pretrain on `num_processes` Horovod processes."""
    return train_and_summarize(config, train)
