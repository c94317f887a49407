"""A ranking model orders candidates, as the evaluation does."""

import json
import subprocess
from pathlib import Path

import pytest

from components.shared.classification.sentences import Row, write_sentences

REPOSITORY = Path(__file__).resolve().parents[3]
EVALUATE = REPOSITORY / "images" / "evaluate" / ".venv" / "bin" / "python"
QUERY = "Where is home?"
CANDIDATES = ["The cat sat", "far away", "on the mat, where home is", "a mat"]


def make_instances(group=None):
    more = {} if group is None else {"group": group}
    return [{"sentence": QUERY, "second_sentence": one, **more} for one in CANDIDATES]


def test_each_candidate_has_a_score_and_a_rank(ranking_server):
    """In the order of the request; the highest score is the first."""
    predictions = ranking_server.predict(make_instances())

    scores = [one["score"] for one in predictions]
    assert [one["index"] for one in predictions] == [0, 1, 2, 3]
    assert len(set(scores)) == len(scores)
    assert [one["rank"] for one in predictions] == [
        1 + sum(other > score for other in scores) for score in scores
    ]


def test_the_best_come_first_where_they_are_asked_for(ranking_server):
    """So many of each group."""
    predictions = ranking_server.predict([*make_instances("a"), *make_instances("b")], top_k=2)

    by_rank = sorted(ranking_server.predict(make_instances()), key=lambda one: one["rank"])
    best = [one["index"] for one in by_rank[:2]]
    assert [one["rank"] for one in predictions] == [1, 2, 1, 2]
    assert [one["index"] for one in predictions] == [*best, *(len(CANDIDATES) + i for i in best)]


def test_rows_of_other_groups_are_ranked_apart(ranking_server):
    """A row alone is the first."""
    alone = {"sentence": QUERY, "second_sentence": CANDIDATES[0], "group": "alone"}

    predictions = ranking_server.predict([*make_instances("many"), alone, *make_instances()])

    assert sorted(one["rank"] for one in predictions[:4]) == [1, 2, 3, 4]
    assert predictions[4]["rank"] == 1
    assert [one["rank"] for one in predictions[5:]] == [one["rank"] for one in predictions[:4]]


def test_of_equal_scores_the_first_is_the_first(ranking_server):
    """So that the answer to a request is always the same."""
    predictions = ranking_server.predict([{"sentence": "the mat"}] * 3)

    assert [one["rank"] for one in predictions] == [1, 2, 3]


def test_protocol_v2_gives_the_same(ranking_server):
    """As tensors; a query that is given once is for all candidates."""
    inputs = [
        {"name": "sentence", "shape": [1], "datatype": "BYTES", "data": [QUERY]},
        {"name": "second_sentence", "shape": [4], "datatype": "BYTES", "data": CANDIDATES},
    ]

    _, _, text = ranking_server.send(
        "/v2/models/bert/infer", {"inputs": inputs, "parameters": {"top_k": 3}}
    )

    outputs = {one["name"]: one for one in json.loads(text)["outputs"]}
    predictions = ranking_server.predict(make_instances(), top_k=3)
    assert {name: one["datatype"] for name, one in outputs.items()} == {
        "index": "INT64", "rank": "INT64", "score": "FP64"
    }  # fmt: skip
    for name, output in outputs.items():
        assert output["data"] == pytest.approx([one[name] for one in predictions], rel=1e-5)


@pytest.mark.parametrize(
    ("instance", "parameters", "message"),
    [
        ({}, {"top_k": 0}, "parameters.top_k: expected a number of 1 or more, got 0"),
        ({}, {"top_k": True}, "parameters.top_k: expected a number of 1 or more, got true"),
        ({}, {"no_answer": True}, "parameters: no field 'no_answer'; there are top_k"),
        ({"group": 1}, {}, "instances[0].group: expected text, got 1"),
        ({"query": "a"}, {}, "no field 'query'; there are sentence, second_sentence, group"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(ranking_server, instance, parameters, message):
    """In one line."""
    body = {"instances": [{"sentence": "a", **instance}], "parameters": parameters}

    status, _, text = ranking_server.send("/v1/models/bert:predict", body)

    assert status == 400
    assert message in json.loads(text)["error"]


@pytest.mark.slow
@pytest.mark.skipif(not EVALUATE.exists(), reason="needs the environment of images/evaluate")
def test_the_scores_and_ranks_are_those_of_the_evaluation(ranking_server, ranking_model, tmp_path):
    """Row by row, by the TensorFlow model: pairs and single sentences, in two groups."""
    rows = [
        Row(QUERY, one, str(number), group="pairs") for number, one in enumerate(CANDIDATES)
    ] + [Row(one, None, "0", group="single") for one in CANDIDATES]
    write_sentences(tmp_path / "sentences", ["relevance"], "", {"train": rows, "dev": rows},
                    task="ranking")  # fmt: skip
    flags = {"sentences": tmp_path / "sentences", "checkpoint": ranking_model} | {
        name: tmp_path / name.replace("-", "_")
        for name in ("evaluate-metrics", "confusion-matrix", "report", "summary", "predictions")
    }
    subprocess.run(
        [EVALUATE, "-m", "components.evaluate", "classification",
         *(f"--{name}={value}" for name, value in flags.items())],
        cwd=REPOSITORY,
        check=True,
    )  # fmt: skip
    lines = (tmp_path / "predictions" / "dev.jsonl").read_text("utf-8").splitlines()
    evaluated = [json.loads(line) for line in lines]

    predictions = ranking_server.predict(
        [
            {"sentence": row.sentence, "second_sentence": row.second_sentence, "group": row.group}
            for row in rows
        ]
    )

    assert [one["rank"] for one in predictions] == [one["rank"] for one in evaluated]
    scores = [one["prediction"] for one in evaluated]
    assert [one["score"] for one in predictions] == pytest.approx(scores, abs=1e-4)
