"""Runs the steps of preprocess over a dump, one after the other, and prints what each takes.

Run with the interpreter of images/preprocess: `python steps.py FOLDER VOCABULARY DUPLICATES`.
Prints JSON: bytes of XML and of wikitext, and the CPU seconds of each step.
"""

import json
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from components.preprocess.batches import CORPORA, PageBatch
from components.preprocess.beam.chunks import Gatherer, merge_chunks
from components.preprocess.beam.row_chunks import RowChunks, RowGatherer
from components.preprocess.beam.steps import collect_seldom
from components.preprocess.dump.files import open_dump
from components.preprocess.dump.pages import Page, parse_page
from components.preprocess.dump.reading import read_page_batches
from components.preprocess.rows.batch_tokenizer import BatchTokenizer
from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.document_groups import RowSettings, drop_copies, make_rows
from components.preprocess.rows.documents import Document, make_documents
from components.preprocess.rows.shards import ShardSet, write_shard
from components.preprocess.text.articles import Article
from components.preprocess.text.guard import GuardedReader
from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.wikitext.clean import clean_page
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import Vocabulary

Result = TypeVar("Result")

_LENGTHS = (128, 512)
# What preprocess makes of a dump: some hundred articles that are paired with one another.
_DOCUMENTS_PER_BUCKET = 65


class Clock:
    """CPU seconds of this process and of those it has waited for, by step."""

    def __init__(self) -> None:
        self.step_to_seconds: dict[str, float] = {}

    def time(self, step: str, run: Callable[[], Result]) -> Result:
        """Run something, as a part of a step."""
        before = _read_cpu_seconds()
        result = run()
        taken = _read_cpu_seconds() - before
        self.step_to_seconds[step] = self.step_to_seconds.get(step, 0.0) + taken
        return result


def run_steps(folder: Path, vocabulary_file: Path, num_duplicates: int) -> dict[str, Any]:
    """Take a dump through all steps in this process."""
    collect_seldom()
    clock = Clock()
    dump = open_dump(str(folder))
    splitter = SentenceSplitter()
    vocabulary = Vocabulary.read(vocabulary_file)
    duplicates = (num_duplicates,) * len(CORPORA)
    settings = RowSettings(_LENGTHS, 0.1, duplicates, 1, vocabulary, splitter=splitter)
    tokenizer = BatchTokenizer(WordPieceTokenizer(vocabulary, lowercase=True))
    guarded = GuardedReader(splitter)
    assert dump is not None
    [first, *_] = dump.cut(1 << 40)
    guarded.read(PageBatch(first.site, [b"<page>"]))  # starts its process

    batches = clock.time("read, unpack", lambda: list(read_page_batches(first)))
    num_bytes = sum(len(page) for batch in batches for page in batch.items)
    num_wikitext_bytes, documents = 0, []
    for batch in batches:
        parsed = clock.time(
            "parse pages", lambda b=batch: [parse_page(one, b.source) for one in b.items]
        )
        pages = [one for one in parsed if isinstance(one, Page)]
        num_wikitext_bytes += sum(len(page.wikitext.encode()) for page in pages)
        cleaned = clock.time("clean", lambda b=batch, p=pages: _clean(p, b))
        articles = clock.time("sentences", lambda b=batch, c=cleaned: _split(c, b, splitter))
        documents += clock.time("tokenize", lambda a=articles: make_documents(a, tokenizer))

    def guard() -> None:
        for batch in batches:
            guarded.read(batch)
        guarded.close()  # waits for it, which makes its CPU time known

    clock.time("guard", guard)
    seconds = clock.step_to_seconds
    # It parses, cleans and splits once more; the rest is the way there and back.
    seconds["guard"] -= seconds["parse pages"] + seconds["clean"] + seconds["sentences"]

    with tempfile.TemporaryDirectory() as scratch:
        _make_shards([one for one in documents if one], settings, Path(scratch), clock)
    return {
        "xml_bytes": num_bytes,
        "wikitext_bytes": num_wikitext_bytes,
        "seconds": clock.step_to_seconds,
    }


def _clean(pages: list[Page], batch: PageBatch) -> list[tuple[int, list[str]]]:
    return [(page.page_id, clean_page(page.wikitext, page.title, batch.source)) for page in pages]


def _split(
    cleaned: list[tuple[int, list[str]]], batch: PageBatch, splitter: SentenceSplitter
) -> list[Article]:
    language = batch.source.language
    return [
        Article(id_, "\n".join(splitter.split_all(texts, language)).encode())
        for id_, texts in cleaned
    ]


def _make_shards(
    documents: list[Document], settings: RowSettings, scratch: Path, clock: Clock
) -> None:
    documents = clock.time("chunks", lambda: _hand_over(documents, scratch))
    buckets = [
        Bucket(start, drop_copies(documents[start : start + _DOCUMENTS_PER_BUCKET]))
        for start in range(0, len(documents), _DOCUMENTS_PER_BUCKET)
    ]
    for length in settings.lengths:
        shards = ShardSet(length)
        gatherer, chunks = RowGatherer(scratch, {shards: 1}), []
        for bucket in buckets:
            blocks = clock.time(
                "pair, pack, encode", lambda b=bucket, n=length: list(make_rows(b, n, settings))
            )
            for block in blocks:
                gatherer.add(shards, block)
            if gatherer.is_full():
                chunks += clock.time("chunks", lambda g=gatherer: list(g.hand_on()))
        chunks += clock.time("chunks", lambda g=gatherer: list(g.finish()))
        rows = RowChunks(chunk for _, chunk in chunks)
        clock.time(
            "write shards",
            lambda r=rows, n=length: write_shard(
                str(scratch), f"{n}.tfrecord", r.merge(), r.count()
            ),
        )


def _hand_over(documents: list[Document], scratch: Path) -> list[Document]:
    """Through sorted chunks in a file and back."""
    gatherer, chunks = Gatherer(scratch), []
    for document in documents:
        num_bytes = document.piece_ids.itemsize * len(document.piece_ids)
        gatherer.add(0, document, num_bytes)
        if gatherer.is_full():
            chunks += [chunk for _, chunk in gatherer.hand_on()]
    chunks += [chunk for _, chunk in gatherer.finish()]
    return list(merge_chunks(chunks))


def _read_cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    print(json.dumps(run_steps(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
