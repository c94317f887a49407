"""A small model that answers questions, and questions that it answers rightly."""

import json

import numpy as np
import pytest

from components.evaluate.int8 import compared_graph
from components.evaluate.squad.config import AnswerConfig
from components.evaluate.squad.question_answerer import Answerer
from components.shared.bert.heads import SpanModel
from components.shared.checkpoints.description import read_description
from components.shared.squad.data import Question
from tests.components.evaluate.test_export_onnx import write_model

SPANS = {"max_length_tokens": 40, "max_query_tokens": 8, "stride_tokens": 8}


@pytest.fixture
def checkpoint(tmp_path):
    return write_model(tmp_path, SpanModel)


@pytest.fixture
def squad(tmp_path, checkpoint):
    """Thirty questions whose gold answers are the model's own."""
    words = read_description(checkpoint).vocabulary.pieces[5:]
    generator = np.random.default_rng(1)
    contexts = [" ".join(generator.choice(words, 25)) for _ in range(30)]
    questions = [
        Question(str(number), "", " ".join(generator.choice(words, 4)), context, (), False)
        for number, context in enumerate(contexts)
    ]
    answerer = Answerer(AnswerConfig(checkpoint=checkpoint, **SPANS))
    windows = answerer.cut(questions)
    scores = answerer.predictor.score(windows, batch_size=8)
    answers = {
        item.id: item for item in answerer.choose(questions, windows, *scores, version="1.1")
    }
    paragraphs = [
        {
            "context": question.context,
            "qas": [
                {
                    "id": question.id,
                    "question": question.question,
                    "answers": [{"text": answers[question.id].text, "answer_start": 0}],
                }
            ],
        }
        for question in questions
    ]
    path = tmp_path / "squad.json"
    data = {"version": "1.1", "data": [{"title": "words", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def spoil_graphs(folder, monkeypatch):
    """Let every graph have a wrong activation, for which a model in folder is made."""
    make = compared_graph.make_onnx
    folder.mkdir()
    other = read_description(write_model(folder, SpanModel, hidden_act="linear"))

    def make_another(weights, _config, *, folder):
        return make(weights, other.config, folder=folder)

    monkeypatch.setattr(compared_graph, "make_onnx", make_another)
