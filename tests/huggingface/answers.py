"""Answers SQuAD's questions by transformers.

In the repository: python -m tests.huggingface.answers MODEL SQUAD OUTPUT [LENGTH STRIDE].
Writes OUTPUT, a pickle of two (features, scores) pairs and the answers by question id: of
run_qa's windows, which the answers are from, and of run_squad's.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, BertForQuestionAnswering

from tests.huggingface.questions import read_questions
from tests.huggingface.run_qa import choose, cut_by_overlap, cut_by_step

_BATCH_SIZE = 8


def score(model, features):
    """Start and end scores of each feature's tokens, padding included, as run_qa has them.

    Windows that are the same are scored once.
    """
    distinct = list({tuple(feature.token_ids): feature for feature in features}.values())
    ids_to_scores = {}
    for start in range(0, len(distinct), _BATCH_SIZE):
        batch = distinct[start : start + _BATCH_SIZE]
        token_ids = torch.tensor([feature.token_ids for feature in batch])
        segment_ids = torch.tensor([feature.segment_ids for feature in batch])
        with torch.inference_mode():
            outputs = model(
                input_ids=token_ids,
                token_type_ids=segment_ids,
                attention_mask=(token_ids != 0).long(),
            )
        pairs = zip(outputs.start_logits.numpy(), outputs.end_logits.numpy(), strict=True)
        for feature, pair in zip(batch, pairs, strict=True):
            ids_to_scores[tuple(feature.token_ids)] = pair
    return [ids_to_scores[tuple(feature.token_ids)] for feature in features]


def answer(questions, features, scores):
    """The answers by question id, chosen as run_qa does."""
    owners = np.array([feature.question for feature in features])
    answers = {}
    for number, question in enumerate(questions):
        own = np.flatnonzero(owners == number)
        (answers[question.id],) = choose(
            question.context, [features[row] for row in own], [scores[row] for row in own]
        )
    return answers


def main(folder, squad, output, max_length="384", stride="128"):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertForQuestionAnswering.from_pretrained(folder).eval()
    questions = read_questions(squad)
    pairs = [(question.question, question.context) for question in questions]
    sizes = {"max_length": int(max_length), "stride": int(stride)}
    features = cut_by_overlap(tokenizer, pairs, **sizes)
    by_step = cut_by_step(tokenizer, pairs, **sizes)
    all_scores = score(model, features + by_step)
    scores, scores_by_step = all_scores[: len(features)], all_scores[len(features) :]
    answers = answer(questions, features, scores)
    with Path(output).open("wb") as file:
        pickle.dump(((features, scores), (by_step, scores_by_step), answers), file)


if __name__ == "__main__":
    main(*sys.argv[1:])
