"""Cleans a dump's articles in one process and prints MB of wikitext a second.

Run with the interpreter of images/preprocess: `python tests/benchmarks/cleaning.py FOLDER`.
"""

import sys
import time

from components.preprocess.batches import read_batches
from components.preprocess.dump import open_dump
from components.preprocess.pages import parse_page
from components.preprocess.wikitext import clean_page


def main(folder: str) -> None:
    """Print the speed."""
    articles = []
    for part in open_dump(folder).cut(1 << 40):
        for batch in read_batches(part):
            pages = [parse_page(page) for page in batch.pages]
            articles += [(page, batch.site) for page in pages if not isinstance(page, str)]
    num_bytes = sum(len(page.wikitext.encode()) for page, _ in articles)
    first, site = articles[0]
    clean_page(first.wikitext, first.title, site)  # compiles what is compiled once
    started = time.perf_counter()
    for page, site in articles:
        clean_page(page.wikitext, page.title, site)
    print(num_bytes / 1e6 / (time.perf_counter() - started))


if __name__ == "__main__":
    main(*sys.argv[1:])
