"""Punkt's parameters, learned from the first texts of the corpora (Kiss and Strunk 2006)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from components.preprocess.corpora import Part, read_batches
from components.preprocess.text.articles import read_document

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktParameters

# Abbreviations enough, in about five seconds.
_CHARACTERS = 3_000_000


def train_punkt(parts: Sequence[Part]) -> "PunktParameters":
    """Train Punkt on the corpora: equal ones give equal parameters."""
    # Takes most of a second, which runs without Punkt need not wait for.
    from nltk.tokenize.punkt import PunktTrainer

    trainer = PunktTrainer()
    trainer.train("\n".join(_read_paragraphs(parts)), finalize=True)
    return trainer.get_params()


def _read_paragraphs(parts: Sequence[Part]) -> Iterator[str]:
    num_characters = 0
    for part in parts:
        for batch in read_batches(part):
            for item in batch.items:
                article = read_document(item, batch.source)
                if isinstance(article, str):
                    continue
                yield from article.sentences
                num_characters += sum(map(len, article.sentences))
                if num_characters >= _CHARACTERS:
                    return
