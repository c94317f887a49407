"""Runs exported models in transformers: python outputs.py INPUTS.npz OUTPUTS.npz.

The inputs hold the folders `pretraining`, `span` and `classifier`, texts to tokenize, and arrays.
"""

import json
import sys

import numpy as np
import torch
from transformers import (
    AutoTokenizer,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertModel,
)


def load(model_class, folder):
    model, info = model_class.from_pretrained(str(folder), output_loading_info=True)
    unfit = {key: sorted(info[key]) for key in ("missing_keys", "mismatched_keys")}
    assert not any(unfit.values()), unfit
    return model.eval(), sorted(info["unexpected_keys"])


def main(inputs_path, outputs_path):
    given = np.load(inputs_path)
    arrays = {
        "input_ids": torch.tensor(given["token_ids"], dtype=torch.long),
        "token_type_ids": torch.tensor(given["segment_ids"], dtype=torch.long),
        "attention_mask": torch.tensor(given["token_ids"] != 0, dtype=torch.long),
    }
    pretraining, left = load(BertForPreTraining, given["pretraining"])
    span, span_left = load(BertForQuestionAnswering, given["span"])
    classifier, classifier_left = load(BertForSequenceClassification, given["classifier"])
    encoder, _ = load(BertModel, given["pretraining"])
    tokenizer = AutoTokenizer.from_pretrained(str(given["pretraining"]))
    with torch.no_grad():
        pieces = pretraining(**arrays)
        spans = span(**arrays)
        labels = classifier(**arrays)
        hidden = encoder(**arrays).last_hidden_state
    ids = [tokenizer(str(text), add_special_tokens=False)["input_ids"] for text in given["texts"]]
    np.savez(
        outputs_path,
        piece_logits=pieces.prediction_logits.numpy(),
        next_logits=pieces.seq_relationship_logits.numpy(),
        start_logits=spans.start_logits.numpy(),
        end_logits=spans.end_logits.numpy(),
        label_logits=labels.logits.numpy(),
        labels=json.dumps(classifier.config.id2label),
        hidden=hidden.numpy(),
        ids=json.dumps(ids),
        left=json.dumps([*left, *span_left, *classifier_left]),
    )
    pretraining.save_pretrained(str(given["saved"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
