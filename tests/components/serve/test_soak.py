"""Many clients at once while releases follow one another: each request is answered rightly."""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.shared.model_store.store import open_store
from tests.components.serve.conftest import running_server
from tests.components.serve.models import write_model

CONTEXT = "The cat sat on the mat. Home is far away, where the mat is. "
# Of several lengths, one of them in several windows.
INSTANCES = [
    {"context": CONTEXT * times, "question": question}
    for times in (1, 2, 3, 12)
    for question in ("Where is home?", "Who sat on the mat?", "What is far away?")
]
NUM_CLIENTS = 16


def publish(store, folder, seed):
    write_model(folder / "model", seed=seed)
    return store.publish(folder, {"task": "squad", "scores": {}})


class Client:
    """A client with a connection that it keeps."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, instance):
        """The score of the best answer."""
        body = json.dumps({"instances": [instance]})
        headers = {"content-type": "application/json"}
        self._connection.request("POST", "/v1/models/bert:predict", body, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
        return json.loads(text)["predictions"][0]["score"]


def wait_for_switch(client, before):
    end = time.monotonic() + 60
    while abs(client.ask(INSTANCES[0]) - before) < 1e-2:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    "num_requests", [300, pytest.param(20_000, marks=pytest.mark.long)], ids=str
)
def test_no_request_is_lost_or_answered_wrongly(tmp_path, num_requests):
    """Each gets the answer of one of the two models that are switched between."""
    store = open_store(str(tmp_path / "store"))
    versions = [publish(store, tmp_path / f"model-{seed}", seed) for seed in (1, 2)]
    store.switch(versions[0], expected=None)
    done = threading.Event()
    num_switches = 0

    with running_server(tmp_path, tmp_path / "store", "--poll-seconds", "1") as server:
        client = Client(server.http_port)
        known = [[client.ask(instance) for instance in INSTANCES]]
        store.switch(versions[1], expected=versions[0])
        wait_for_switch(client, known[0][0])
        known.append([client.ask(instance) for instance in INSTANCES])

        def keep_switching():
            nonlocal num_switches
            current = 1
            while not done.wait(1.5):
                store.switch(versions[1 - current], expected=versions[current])
                current = 1 - current
                num_switches += 1

        def ask_many(first):
            own, wrong = Client(server.http_port), []
            for number in range(first, num_requests, NUM_CLIENTS):
                index = number % len(INSTANCES)
                score = own.ask(INSTANCES[index])
                if min(abs(score - scores[index]) for scores in known) > 1e-3:
                    wrong.append((number, score))
            return wrong

        switching = threading.Thread(target=keep_switching)
        switching.start()
        try:
            with ThreadPoolExecutor(NUM_CLIENTS) as clients:
                wrong = [one for some in clients.map(ask_many, range(NUM_CLIENTS)) for one in some]
        finally:
            done.set()
            switching.join()

    taken_over = server.log.read_text("utf-8").count("takes over from")
    print(f"{num_requests} requests, {num_switches} switches, {taken_over} taken over")
    assert wrong == []
    assert taken_over >= 1
