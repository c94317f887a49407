"""Hidden states of a model folder in transformers: python hidden.py INPUTS.npz OUTPUTS.npz.

The inputs hold the folder, texts to tokenize, and arrays.
"""

import json
import sys

import numpy as np
import torch
from transformers import AutoTokenizer, BertModel


def main(inputs_path, outputs_path):
    given = np.load(inputs_path)
    model = BertModel.from_pretrained(str(given["folder"])).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(given["folder"]))
    with torch.no_grad():
        hidden = model(
            input_ids=torch.tensor(given["token_ids"], dtype=torch.long),
            token_type_ids=torch.tensor(given["segment_ids"], dtype=torch.long),
            attention_mask=torch.tensor(given["token_ids"] != 0, dtype=torch.long),
        ).last_hidden_state
    ids = [
        tokenizer(str(text), add_special_tokens=False, padding=False)["input_ids"]
        for text in given["texts"]
    ]
    np.savez(outputs_path, hidden=hidden.numpy(), ids=json.dumps(ids))


if __name__ == "__main__":
    main(*sys.argv[1:])
