"""Questions asked from the command line about a text."""

import json
import subprocess
import sys

import numpy as np
import pytest

from components.evaluate.squad.ask import ask
from components.evaluate.squad.config import AskConfig
from components.shared.bert.heads import SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint, write_checkpoint
from components.shared.errors import InputError
from components.shared.tokens.tokenization import Tokenization
from tests.waiting import LONGEST_SECONDS

CONTEXT = "home far away where far home"


def run_ask(checkpoint, context, *flags, typed=b"") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "components.evaluate", "ask", "--checkpoint", str(checkpoint)]
    command += ["--context", str(context), "--max-length-tokens", "128", *flags]
    done = subprocess.run(
        command, input=typed, capture_output=True, check=False, timeout=LONGEST_SECONDS
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


@pytest.fixture
def context(tmp_path):
    path = tmp_path / "context.txt"
    path.write_text(CONTEXT, encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_answers_are_those_of_the_evaluation(checkpoint, context, tmp_path):
    """The same texts with the same probabilities, best first."""
    question = {"id": "q", "question": "where is home", "answers": [], "is_impossible": True}
    paragraphs = [{"context": CONTEXT, "qas": [question]}]
    data = {"version": "v2.0", "data": [{"title": "", "paragraphs": paragraphs}]}
    (tmp_path / "squad").mkdir()
    (tmp_path / "squad" / "dev.json").write_text(json.dumps(data), encoding="utf-8")
    command = [sys.executable, "-m", "components.evaluate", "--max-length-tokens", "128"]
    command += ["--checkpoint", str(checkpoint), "--squad", str(tmp_path / "squad")]
    for name in ("evaluate-metrics", "report", "summary", "predictions"):
        command += [f"--{name}", str(tmp_path / name)]
    # As `ask` shows it: the best answer is first, whatever the threshold says.
    command += ["--null-score-diff-threshold", "1e9"]
    subprocess.run(command, check=True, capture_output=True, timeout=LONGEST_SECONDS)
    nbest = json.loads((tmp_path / "predictions/nbest_predictions.json").read_text("utf-8"))["q"]
    expected = [(f"{item['probability']:.1%}", item["text"] or "(no answer)") for item in nbest]

    flags = ("--question", "where is home", "--no-answer", "true", "--num-answers", "20")
    done = run_ask(checkpoint, context, *flags, "--null-score-diff-threshold", "1e9")

    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines()]
    answers = [(probability, text) for probability, _, _, text in lines]
    assert sorted(answers) == sorted(expected)
    assert answers[0][1] == next(text for _, text in expected if text != "(no answer)")


@pytest.mark.slow
def test_questions_are_read_line_by_line(checkpoint, context):
    """One answer to each, in their order, until the input ends; also to bytes of no meaning."""
    typed = b"where is home\n\nis home far\nis caf\xe9 far\n"

    done = run_ask(checkpoint, context, "--num-answers", "1", typed=typed)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    assert all(line.split(maxsplit=3)[3] in CONTEXT for line in done.stdout.splitlines())


@pytest.mark.slow
def test_a_text_of_50000_words_is_searched_to_its_end(checkpoint, tmp_path):
    """The last one is found; emoji and right-to-left words before it are no hindrance."""
    point_at(checkpoint, "home", others=("far", "away"))
    context = tmp_path / "long.txt"
    words = [*["far"] * 25_000, "🏠", "בית", *["away"] * 25_000, "home"]
    context.write_text(" ".join(words), encoding="utf-8")

    done = run_ask(checkpoint, context, "--question", "where is it", "--stride-tokens", "120")

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    assert done.stdout.splitlines()[0].split(maxsplit=3)[3] == "home"


def point_at(checkpoint, word, *, others) -> None:
    """Give a model weights by which a word is the start and the end of its answers."""
    opened = Checkpoint.read(checkpoint)
    model = SpanModel(opened.config, seed=1)
    model.build()
    direction = np.random.default_rng(1).normal(size=opened.config.hidden_size)
    # Larger than all else that is added to it on the way.
    table = model.bert.embeddings.word_embeddings
    rows = np.array(table)
    rows[[opened.vocabulary.pieces.index(other) for other in others]] = -5 * direction
    rows[opened.vocabulary.pieces.index(word)] = 5 * direction
    table.assign(rows)
    model.output_weights.assign([direction, direction])
    vocabulary = checkpoint.parent / "vocab.txt"
    write_checkpoint(
        checkpoint, model=model, vocabulary=vocabulary, tokenization=Tokenization(lowercase=True)
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"  \n", "no text in it"),
        (b"caf\xe9", "not UTF-8 at byte 3"),
        (None, "no such file"),
    ],
)
def test_a_text_that_can_not_be_read_is_rejected(checkpoint, tmp_path, content, message):
    """Before the model is loaded, in one line."""
    context = tmp_path / "context.txt"
    if content is not None:
        context.write_bytes(content)

    done = run_ask(checkpoint, context, "--question", "where")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"evaluate ask: error: {context}: ")
    assert message in done.stderr.splitlines()[-1]


def test_a_text_without_a_word_has_no_answer(checkpoint, context):
    """Controls are no text to the tokenizer: that is said, rather than the word "empty"."""
    context.write_text("\x01\x02", encoding="utf-8")
    config = AskConfig(
        checkpoint=checkpoint, context=context, question="where", max_length_tokens=128
    )

    with pytest.raises(InputError, match="no words in it, so nothing to answer from"):
        ask(config)


def test_the_mark_before_a_text_is_no_part_of_it(checkpoint, context, capsys):
    """Which Windows's editors write."""
    context.write_text("home", encoding="utf-8-sig")

    ask(AskConfig(checkpoint=checkpoint, context=context, question="where", max_length_tokens=128))

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=3)[3] for line in lines] == ["home"]


def test_a_question_of_space_alone_is_rejected(checkpoint, context):
    """Rather than taken for none, which would wait for one."""
    config = AskConfig(checkpoint=checkpoint, context=context, question=" ", max_length_tokens=128)

    with pytest.raises(InputError, match="question: only space"):
        ask(config)


def test_a_question_on_the_command_line_must_be_utf8(checkpoint, context):
    """Anything else is an error of one line."""
    done = run_ask(checkpoint, context, "--question", b"caf\xe9")

    assert done.returncode == 2
    assert "error: the argument 'caf\ufffd' is not UTF-8" in done.stderr.splitlines()[-1]
