"""The server's answers are those of `python -m components.evaluate ask`."""

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
EVALUATE = REPOSITORY / "images" / "evaluate" / ".venv" / "bin" / "python"
# Several windows; an answer over two lines, and words that are not of the vocabulary.
CONTEXT = "The cat's (old) mat\nis  away. Über the sea, home is far: 12 cats sat. " * 6
QUESTIONS = ("Where is home?", "Who sat on the mat?", "What?")


@pytest.mark.slow
@pytest.mark.skipif(not EVALUATE.exists(), reason="needs the environment of images/evaluate")
def test_the_answers_are_those_of_ask(server, question_model, tmp_path):
    """Texts, order, probabilities and scores, by the TensorFlow model; no answer is one of them."""
    (tmp_path / "context.txt").write_text(CONTEXT, encoding="utf-8")
    command = [EVALUATE, "-m", "components.evaluate", "ask", "--checkpoint", question_model]
    command += ["--context", tmp_path / "context.txt", "--num-answers", "5"]
    command += ["--max-length-tokens", "96", "--no-answer", "true"]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        input="\n".join(QUESTIONS),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = re.findall(r"^ *([0-9.]+)%  score +(-?[0-9.]+)  (.*)$", done.stdout, re.MULTILINE)

    instances = [{"context": CONTEXT, "question": question} for question in QUESTIONS]
    predictions = server.predict(instances, top_k=5, no_answer=True)

    answers = [answer for prediction in predictions for answer in prediction["answers"]]
    assert [text for _, _, text in lines] == [a["answer"] or "(no answer)" for a in answers]
    for answer, (percent, score, _) in zip(answers, lines, strict=True):
        assert 100 * answer["probability"] == pytest.approx(float(percent), abs=0.06)
        assert answer["score"] == pytest.approx(float(score), abs=0.006)
