"""A SavedModel answers as the checkpoint does, without this project."""

import json
import subprocess
import sys

import numpy as np
import pytest
from tensorflow.core.protobuf import saved_model_pb2

from components.evaluate.export import ExportConfig, export
from components.evaluate.squad.question_answerer import load_predictor
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.errors import InputError
from components.shared.squad.data import Question
from components.shared.squad.windows import make_windows
from components.shared.tokens.tokenizer import WordPieceTokenizer

# Run where the project can't be imported.
CLIENT = """
import json, sys
import tensorflow as tf
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
ids = json.loads(sys.argv[2])
answer = served(
    token_ids=tf.constant(ids["token_ids"], tf.int32),
    segment_ids=tf.constant(ids["segment_ids"], tf.int32),
)
print(json.dumps({name: value.numpy().tolist() for name, value in answer.items()}))
"""


@pytest.mark.slow
def test_it_answers_alike_where_the_project_is_not(checkpoint, tmp_path):
    """The same logits of a window, alone and padded beside another."""
    opened = Checkpoint.read(checkpoint)
    question = Question("q", "", "where is home", "home far away", (), is_impossible=True)
    tokenizer = WordPieceTokenizer(opened.vocabulary, lowercase=True)
    windows = make_windows(
        [question], tokenizer, opened.vocabulary, max_length_tokens=128, training=False
    )
    start, end = load_predictor(opened, precision="float32").score(windows, batch_size=1)
    export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "model" / "1"))
    count, first = len(windows[0].token_ids), windows[0].first_segment_length
    ids = {
        "token_ids": [[*windows[0].token_ids, 0, 0], [2, 5, 3, 6, 3, *[0] * (count - 3)]],
        "segment_ids": [[*[0] * first, *[1] * (count - first), 0, 0], [0] * (count + 2)],
    }

    done = subprocess.run(
        [sys.executable, "-c", CLIENT, str(tmp_path / "model" / "1"), json.dumps(ids)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    answer = json.loads(done.stdout)
    np.testing.assert_allclose(answer["start_logits"][0][:count], start[0], atol=1e-5)
    np.testing.assert_allclose(answer["end_logits"][0][:count], end[0], atol=1e-5)


def test_what_is_no_exported_model_is_not_replaced(checkpoint, tmp_path):
    """Whatever is in the folder stays."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()

    with pytest.raises(InputError, match=r"mine: holds thesis\.tex and no saved_model\.pb"):
        export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "mine"))

    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_the_exported_graph_has_nothing_to_compile(checkpoint, tmp_path):
    """Servers and converters without XLA take it too."""
    export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "1"))

    saved = saved_model_pb2.SavedModel.FromString((tmp_path / "1/saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    assert len(functions) > 0
    assert not any(function.attr["_XlaMustCompile"].b for function in functions)
