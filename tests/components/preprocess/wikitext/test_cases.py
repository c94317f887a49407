import json
from pathlib import Path

import pytest

from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.wikitext.clean import clean_page
from components.preprocess.wikitext.sites import read_site

CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("cases.jsonl").read_text(encoding="utf-8").splitlines()
]


def read(case):
    """The paragraphs or sentences of a case, as a dump of its wiki gives them."""
    namespaces = "".join(
        f'<namespace key="{key}" case="first-letter">{name}</namespace>'
        for key, name in case["namespaces"].items()
    )
    site = read_site(f'<mediawiki xml:lang="{case["wiki"]}"><siteinfo>{namespaces}</siteinfo>')
    paragraphs = clean_page(case["wikitext"], "Title", site)
    if case["sentences"]:
        splitter = SentenceSplitter()
        paragraphs = [one for text in paragraphs for one in splitter.split(text, site.language)]
    return paragraphs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case_reads_as_a_reader_sees_it(case):
    """Cases from bug reports of many cleaners, and from real files, in many languages."""
    read_text = read(case)

    if "never" in case:
        assert case["never"] not in " ".join(read_text)
    else:
        assert read_text in case["any_of"]
