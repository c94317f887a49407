"""Punkt's parameters, learned from the first texts of a dump (Kiss and Strunk 2006)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from components.preprocess.dump.files import Part
from components.preprocess.dump.reading import read_batches
from components.preprocess.text.articles import read_article

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktParameters

# Abbreviations enough, in about five seconds.
_CHARACTERS = 3_000_000


def train_punkt(parts: Sequence[Part]) -> "PunktParameters":
    """What Punkt learns from the dump: equal dumps give equal parameters."""
    # Takes most of a second, which runs without Punkt need not wait for.
    from nltk.tokenize.punkt import PunktTrainer

    trainer = PunktTrainer()
    trainer.train("\n".join(_read_paragraphs(parts)), finalize=True)
    return trainer.get_params()


def _read_paragraphs(parts: Sequence[Part]) -> Iterator[str]:
    num_characters = 0
    for part in parts:
        for batch in read_batches(part):
            for page in batch.pages:
                article = read_article(page, batch.site)
                if isinstance(article, str):
                    continue
                yield from article.sentences
                num_characters += sum(map(len, article.sentences))
                if num_characters >= _CHARACTERS:
                    return
