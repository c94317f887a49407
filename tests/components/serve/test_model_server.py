"""A server as its clients see it."""

import json
import signal
import threading
import time

import grpc
import pytest
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.components.serve.conftest import LABELS, running_server
from tests.components.serve.models import write_model

CONTEXT = "The cat sat on the mat.\n Home  is far away, where the mat is. " * 8
QUESTIONS = ["Where is home?", "Who sat?"]


def test_answers_have_their_places_in_the_text(server):
    """Of each of the best ones; the text has one space for any white space."""
    instances = [{"context": CONTEXT, "question": question} for question in QUESTIONS]

    predictions = server.predict(instances, top_k=4)

    assert len(predictions) == len(QUESTIONS)
    for prediction in predictions:
        assert len(prediction["answers"]) == 4
        best = {name: value for name, value in prediction.items() if name != "answers"}
        assert prediction["answers"][0] == best
        for answer in prediction["answers"]:
            found = CONTEXT[answer["start"] : answer["end"]]
            assert " ".join(found.split()) == answer["answer"] != ""
        probabilities = [answer["probability"] for answer in prediction["answers"]]
        assert probabilities == sorted(probabilities, reverse=True)


def test_an_answer_does_not_depend_on_what_is_asked_with_it(server):
    """Nor on the order, nor on what else is in its batch."""
    together = server.predict([{"context": CONTEXT, "question": q} for q in QUESTIONS])
    alone = [server.predict([{"context": CONTEXT, "question": q}])[0] for q in QUESTIONS]

    for one, other in zip(together, alone, strict=True):
        assert one["answer"] == other["answer"]
        assert one["probability"] == pytest.approx(other["probability"], rel=1e-3)


def test_no_answer_is_one_where_it_is_allowed(server):
    """It has a probability then, and no place."""
    instance = {"context": "The cat sat.", "question": "Where is home?"}

    (without,) = server.predict([instance])
    (allowed,) = server.predict([instance], no_answer=True, top_k=20)

    assert "no_answer_probability" not in without
    nothing = next(answer for answer in allowed["answers"] if not answer["answer"])
    assert nothing["probability"] == allowed["no_answer_probability"] > 0
    assert (nothing["start"], nothing["end"]) == (None, None)


def test_protocol_v2_gives_the_same_answers(server):
    """As tensors; a text that is given once is for all questions."""
    body = {
        "id": "42",
        "inputs": [
            {"name": "context", "shape": [1], "datatype": "BYTES", "data": [CONTEXT]},
            {"name": "question", "shape": [2], "datatype": "BYTES", "data": QUESTIONS},
        ],
        "parameters": {"top_k": 2},
    }

    status, _, text = server.send("/v2/models/bert/infer", body)

    assert status == 200
    outputs = {one["name"]: one for one in json.loads(text)["outputs"]}
    predictions = server.predict([{"context": CONTEXT, "question": q} for q in QUESTIONS], top_k=2)
    for name, output in outputs.items():
        expected = [answer[name] for one in predictions for answer in one["answers"]]
        assert output["shape"] == [2, 2]
        assert output["data"] == pytest.approx(expected) if name == "probability" else expected


def test_grpc_gives_the_same_answers(server):
    """By the same protocol; what is wrong with a request has a status and a text."""
    request = ModelInferRequest(model_name="bert")
    for name, text in (("context", CONTEXT), ("question", QUESTIONS[0])):
        tensor = request.inputs.add(name=name, shape=[1], datatype="BYTES")
        tensor.contents.bytes_contents.append(text.encode())
    request.parameters["top_k"].int64_param = 1
    invalid = ModelInferRequest(model_name="bert")
    invalid.inputs.add(name="text", shape=[1], datatype="BYTES").contents.bytes_contents.append(b"")

    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        response = stub.ModelInfer(request)
        with pytest.raises(grpc.RpcError) as caught:
            stub.ModelInfer(invalid)

    (expected,) = server.predict([{"context": CONTEXT, "question": QUESTIONS[0]}])
    outputs = {one.name: one.contents for one in response.outputs}
    assert outputs["answer"].bytes_contents == [expected["answer"].encode()]
    assert outputs["start"].int64_contents == [expected["start"]]
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "inputs: no field 'text'; there are context, question"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "Unrecognized request format"),
        ([], 400, "the request: expected an object, got []"),
        ({"instances": {}}, 400, 'Expected "instances" to be a list'),
        ({"instances": []}, 400, "instances: none; give one or more"),
        ({"instances": [{"context": "a"}]}, 400, "instances[0]: the field 'question' is missing"),
        (
            {"instances": [{"context": " ", "question": "a"}]},
            400,
            "instances[0].context: no text in it",
        ),
        (
            {"instances": [{"context": "\u200b", "question": "a"}]},
            400,
            "instances[0].context: no words in it",
        ),
        (
            {"instances": [{"context": "a", "query": "a"}]},
            400,
            "instances[0]: no field 'query'; there are context, question",
        ),
        (
            {"instances": [{"context": "a", "question": "a"}], "parameters": {"top_k": 21}},
            400,
            "parameters.top_k: expected a number from 1 to 20, got 21",
        ),
        (
            {"instances": [{"context": "a " * 200_000, "question": "a"}]},
            413,
            "windows or sentences, and this server takes 1024; send shorter texts",
        ),
        (b" " * 5_000_000, 413, "the request is larger than 4194304 bytes; send less"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(server, body, status, message):
    """In one line, with a status of the client's."""
    got, _, text = server.send("/v1/models/bert:predict", body)

    assert got == status
    assert message in json.loads(text)["error"]


def test_the_model_can_not_be_unloaded_by_a_client(server):
    """KServe's protocol has a request for that."""
    status, _, _ = server.send("/v2/repository/models/bert/unload", b"")

    assert status == 501
    assert server.send("/v2/models/bert/ready")[0] == 200


def test_metrics_are_prometheus_s(server):
    """The batches that were computed, and KServe's own."""
    server.predict([{"context": CONTEXT, "question": QUESTIONS[0]}])

    _, _, text = server.send("/metrics")

    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values["bert_batch_size_count"]) > 0
    assert float(values["bert_queue_length"]) == 0
    assert float(values['request_predict_seconds_count{model_name="bert"}']) > 0


def test_a_classifier_labels_sentences(label_model, tmp_path):
    """Single ones and pairs, over both protocols."""
    instances = [{"sentence": "The cat"}, {"sentence": "A mat", "second_sentence": "is away"}]
    inputs = [{"name": "sentence", "shape": [1], "datatype": "BYTES", "data": ["The cat"]}]

    with running_server(tmp_path, label_model, "--grpc-port", "0") as server:
        predictions = server.predict(instances)
        _, _, text = server.send("/v2/models/bert/infer", {"inputs": inputs})

    for prediction in predictions:
        probabilities = prediction["probabilities"]
        assert list(probabilities) == LABELS
        assert sum(probabilities.values()) == pytest.approx(1)
        assert prediction["label"] == max(probabilities, key=probabilities.get)
    outputs = {one["name"]: one["data"] for one in json.loads(text)["outputs"]}
    assert outputs["label"] == [predictions[0]["label"]]


def test_a_model_with_one_label_gives_numbers(tmp_path):
    """The model's output as it is, and the same tensor by protocol v2."""
    model = write_model(tmp_path / "model", labels=["score"])
    instances = [{"sentence": "The cat", "second_sentence": text} for text in ("sat", "far away")]
    inputs = [
        {"name": name, "shape": [2], "datatype": "BYTES", "data": [one[name] for one in instances]}
        for name in ("sentence", "second_sentence")
    ]

    with running_server(tmp_path, model, "--grpc-port", "0") as server:
        predictions = server.predict(instances)
        _, _, text = server.send("/v2/models/bert/infer", {"inputs": inputs})

    (output,) = json.loads(text)["outputs"]
    assert (output["name"], output["shape"]) == ("score", [2])
    scores = [one["score"] for one in predictions]
    assert output["data"] == pytest.approx(scores, rel=1e-5)
    assert scores[0] != pytest.approx(scores[1])


def test_a_sigterm_ends_the_server_when_all_is_answered(question_model, tmp_path):
    """A request in work gets its answer; the exit status is 0."""
    text = CONTEXT * 200
    answers = []
    with running_server(tmp_path, question_model, "--max-queue", "100000") as server:

        def ask():
            answers.append(server.predict([{"context": text, "question": QUESTIONS[0]}]))

        thread = threading.Thread(target=ask)
        thread.start()
        while "bert_batch_size_count 0.0" in server.send("/metrics")[2]:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        thread.join(60)

        assert server.process.wait(60) == 0
    assert len(answers) == 1
