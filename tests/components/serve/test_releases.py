"""A model store's releases follow one another without a request lost."""

import asyncio
import re
import shutil

import onnx
import pytest

from components.serve.config import ServeConfig
from components.serve.protocol import BertModel
from components.serve.releases import Releases, load
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.checkpoint_manifest import write_descriptions
from components.shared.checkpoints.onnx_graph import make_onnx
from components.shared.checkpoints.weights import open_weights
from components.shared.errors import InputError
from components.shared.model_store.store import open_store
from tests.components.serve.models import write_model

CONTEXT = "The cat sat on the mat. Home is far away, where the mat is."
REQUEST = {"instances": [{"context": CONTEXT, "question": "Where is home?"}]}


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def config(tmp_path):
    return ServeConfig(
        model=str(tmp_path / "store"),
        max_length_tokens=96,
        precision="float32",
        poll_seconds=1,
        max_wait_ms=0,
    )


def release(store, folder, *, seed=1):
    """Publish a model of random weights, and put it in use; equal ones may share a name."""
    write_model(folder / "model", seed=seed)
    version = store.publish(folder, {"task": "squad", "scores": {}})
    store.switch(version, expected=store.find_current())
    return version


async def ask_until(model, version, answers):
    """Ask one question after the other until a version has answered."""
    while model.version != version:
        answers.append(await model.predict(REQUEST))
    answers.append(await model.predict(REQUEST))


def test_a_new_release_takes_over_without_a_request_lost(store, config, tmp_path):
    """While requests go on: all are answered, by the old model or by the new one."""
    first = release(store, tmp_path / "first", seed=1)
    releases = Releases(config)
    model = BertModel(config, releases, releases.load(first))
    answers = []

    async def switch():
        following = asyncio.create_task(model.start_engine())
        old = await model.predict(REQUEST)
        second = await asyncio.to_thread(release, store, tmp_path / "second", seed=2)
        await asyncio.wait_for(
            asyncio.gather(*(ask_until(model, second, answers) for _ in range(4))), 60
        )
        model.stop_engine()
        await following
        return old, second

    old, second = asyncio.run(switch())
    assert model.version == second
    new = answers[-1]
    assert old != new
    found = [answer["predictions"][0]["score"] for answer in answers]
    known = [one["predictions"][0]["score"] for one in (old, new)]
    for score in found:
        assert min(abs(score - one) for one in known) < 1e-3


def export(model, folder):
    """Write the folder as `python -m components.evaluate export --format onnx` does."""
    described = Checkpoint.read(model)
    graph = make_onnx(open_weights(model), described.config, folder=model)
    folder.mkdir()
    onnx.save_model(graph, folder / "model.onnx")
    write_descriptions(folder, described.config, model / "vocab.txt", described.tokenization)
    return folder


def test_an_exported_graph_answers_as_the_weights_it_was_made_of(question_model, config, tmp_path):
    """Its folder has no weights; a damaged file is told by name."""
    folder = export(question_model, tmp_path / "exported")

    async def ask(model):
        return await load(model, "", config).predict(REQUEST["instances"], {})

    assert asyncio.run(ask(folder)) == asyncio.run(ask(question_model))

    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:5000])
    with pytest.raises(
        InputError, match="model.onnx: damaged, or not an ONNX model; export it again"
    ):
        asyncio.run(ask(folder))


def test_a_release_that_can_not_be_loaded_leaves_the_old_one(store, config, tmp_path, capsys):
    """Its fault is told; requests go on."""
    first = release(store, tmp_path / "first")
    releases = Releases(config)
    model = BertModel(config, releases, releases.load(first))
    broken = release(store, tmp_path / "broken", seed=2)
    weights = next((tmp_path / "store").glob(f"versions/{broken}/**/model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1])

    async def follow():
        following = asyncio.create_task(model.start_engine())
        while "altered since it was published" not in capsys.readouterr().out:
            await asyncio.sleep(0.05)
        answer = await model.predict(REQUEST)
        model.stop_engine()
        await following
        return answer

    answer = asyncio.run(asyncio.wait_for(follow(), 30))
    assert answer["predictions"][0]["answer"]
    assert model.version == first


def test_one_version_is_served_for_good_where_it_is_named(store, config, tmp_path):
    """Whatever is in use."""
    first = release(store, tmp_path / "first", seed=1)
    release(store, tmp_path / "second", seed=2)

    releases = Releases(ServeConfig(model=config.model, model_version=first))

    assert releases.find_current() == first
    assert not releases.changes


def test_a_store_without_a_release_is_told(store, config, tmp_path):
    """And what makes one."""
    release(store, tmp_path / "first")
    (tmp_path / "store" / "current.json").unlink()

    with pytest.raises(InputError, match="no release yet"):
        Releases(config).find_current()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "/nowhere"}, "/nowhere: no such folder; a checkpoint is a folder"),
        ({"model": "/nowhere", "model_version": "x"}, "is not a model store; leave it out"),
        ({"max_length_tokens": 384}, "more than the model's max_position_embeddings 160"),
    ],
)
def test_what_can_not_be_served_is_told(settings, message, question_model, tmp_path):
    """In one line, before anything listens."""
    shutil.copytree(question_model, tmp_path / "model")
    config = ServeConfig(**{"model": str(tmp_path / "model"), **settings})

    def load():
        releases = Releases(config)
        releases.load(releases.find_current())

    with pytest.raises(InputError, match=re.escape(message)):
        load()
