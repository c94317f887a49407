"""Sentences, by BlingFire's compiled rules.

Its model is part of the package, so nothing is fetched at run time (NLTK's Punkt needs a
download), it knows abbreviations and the full stops of many scripts, and at about 10 MB/s
it is twice as fast as Punkt; next-sentence pairs forgive the few ends it gets wrong.
"""

import blingfire

_MIN_CHARACTERS = 2


def split_sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph, in order."""
    if len(paragraph) < _MIN_CHARACTERS:
        return [paragraph]
    return [sentence for sentence in blingfire.text_to_sentences(paragraph).split("\n") if sentence]
