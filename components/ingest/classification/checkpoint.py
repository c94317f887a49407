"""The checkpoint that fine-tuning starts from, fetched whole, or described where there is none."""

from components.ingest.checkpoint_fetch import fetch_checkpoint
from components.ingest.classification.config import IngestClassificationConfig
from components.ingest.download.fetch import fetch
from components.ingest.download.resumable import Downloads
from components.ingest.dump.find import find_file
from components.shared.bert.config import BertConfig
from components.shared.checkpoints.checkpoint_manifest import write_untrained
from components.shared.files.atomic import whole_folder
from components.shared.tokens.tokenization import Tokenization
from components.shared.tokens.vocabulary import Vocabulary


def write_checkpoint(config: IngestClassificationConfig, downloads: Downloads) -> None:
    """Write the folder that fine-tuning starts from, whole or not at all.

    Raises:
        InputError: if it can't be had, or is not a checkpoint.
    """
    if config.initial_checkpoint:
        with whole_folder(config.given_checkpoint) as scratch:
            fetch_checkpoint(config, scratch, downloads)
        return
    source = find_file(config.vocabulary, config)
    assert source is not None
    vocabulary = fetch(source, {}, downloads, Vocabulary.read, limit=config.list_limit)
    num_pieces = len(vocabulary.content)
    bert_config, named = BertConfig.choose(config.bert_config, config.preset, vocab_size=num_pieces)
    bert_config.expect_room(num_pieces, source=named, vocabulary=source.label)
    write_untrained(
        config.given_checkpoint,
        bert_config,
        vocabulary.path,
        Tokenization(lowercase=config.lowercase),
    )
