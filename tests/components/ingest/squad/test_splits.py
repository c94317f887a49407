"""The development set that is held out of a training set."""

import json

import pytest

from components.ingest.squad.splits import hold_out_articles
from components.shared.errors import InputError
from tests.components.ingest.samples import make_squad


def split(tmp_path, num_articles):
    """The numbers of the articles that go to train and to dev."""
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(make_squad(num_articles)))
    train, dev = tmp_path / "train.json", tmp_path / "dev.json"
    hold_out_articles(path, train, dev, str(path))
    return tuple(
        [int(article["title"].split()[1]) for article in json.loads(part.read_text())["data"]]
        for part in (train, dev)
    )


@pytest.mark.parametrize(
    ("num_articles", "train", "dev"),
    [
        (2, [0], [1]),
        (4, [0, 1, 2], [3]),
        (5, [0, 1, 2, 3], [4]),
        (11, [0, 1, 2, 3, 5, 6, 7, 8, 10], [4, 9]),
    ],
)
def test_every_fifth_article_is_held_out(tmp_path, num_articles, train, dev):
    """Of fewer than five, the last."""
    assert split(tmp_path, num_articles) == (train, dev)


def test_one_article_cannot_be_split(tmp_path):
    """The remedy names squad_dev."""
    with pytest.raises(InputError, match=r"squad\.json: 1 articles, too few .* squad_dev"):
        split(tmp_path, 1)


def test_the_other_fields_of_the_document_stay(tmp_path):
    """The version, say."""
    split(tmp_path, 2)

    assert json.loads((tmp_path / "dev.json").read_text())["version"] == "1.1"


def test_half_a_surrogate_pair_is_replaced_in_fields_that_nobody_reads_too(tmp_path):
    """They are written with the others."""
    document = make_squad(2)
    document["data"][1] |= {"note \ud800": ["\udfff"]}
    path, dev = tmp_path / "squad.json", tmp_path / "dev.json"
    path.write_text(json.dumps(document))

    hold_out_articles(path, tmp_path / "train.json", dev, str(path))

    assert json.loads(dev.read_text("utf-8"))["data"][0]["note \ufffd"] == ["\ufffd"]


def test_paragraphs_of_cmrc_2018s_own_form_are_held_out(tmp_path):
    """The document is a list of paragraphs, without articles."""
    paragraphs = [
        {"context_text": "a b", "qas": [{"query_id": i, "query_text": "?", "answers": ["a"]}]}
        for i in range(5)
    ]
    path, train, dev = (tmp_path / name for name in ("squad.json", "train.json", "dev.json"))
    path.write_text(json.dumps(paragraphs))

    hold_out_articles(path, train, dev, str(path))

    assert json.loads(train.read_text()) == paragraphs[:4]
    assert json.loads(dev.read_text()) == paragraphs[4:]
