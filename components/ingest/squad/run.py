"""Ingest for question answering: SQuAD files and the weights to start from."""

from components.ingest.checkpoint_fetch import fetch_checkpoint
from components.ingest.download.fetch import open_downloads
from components.ingest.dump.find import find_file
from components.ingest.squad.config import IngestSquadConfig
from components.ingest.squad.squad_files import (
    fetch_development_set,
    fetch_training_set,
    write_squad,
)
from components.shared.files.atomic import whole_folder
from components.shared.stage.start import Metadata


def run(config: IngestSquadConfig) -> Metadata:
    """Fetch and check all inputs; write the outputs once every one of them is in order.

    Raises:
        InputError: if an input can't be had or is not what it should be.
    """
    train_source = find_file(config.squad_train, config)
    assert train_source is not None
    dev_source = find_file(config.squad_dev, config)
    with open_downloads(config, beside=config.squad) as downloads:
        train = fetch_training_set(config, train_source, {}, downloads)
        dev = fetch_development_set(dev_source, {}, downloads)
        with whole_folder(config.given_checkpoint) as scratch:
            description = fetch_checkpoint(config, scratch, downloads)
            squad_metadata = write_squad(config, train, dev)
    return {
        "squad": squad_metadata,
        "given_checkpoint": {
            "source": config.checkpoint_label,
            "pieces": len(description.vocabulary),
        },
    }
