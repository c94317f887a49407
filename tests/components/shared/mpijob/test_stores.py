"""Inputs from a store and outputs to it, where Kubeflow's launcher copies nothing."""

import json
import shutil

import pytest

from components.pretrain.config import PretrainConfig
from components.shared.errors import InputError
from components.shared.mpijob.own_pod import JOB_VARIABLE
from components.shared.mpijob.train import make_flags, name_step
from components.shared.storage import artifact_paths
from components.shared.storage.artifact_paths import fetch, local_path, publish
from components.shared.training.run_training import train_and_summarize
from tests.components.shared.mpijob.runs import succeed

LINE = {"step": 10, "loss": 1.5, "sequences_per_second": 8.0, "tokens_per_second": 99.0}


@pytest.fixture
def mount(stores, tmp_path, monkeypatch):
    """Where s3:// and minio:// artifacts lie in a pod; the store is the same."""
    for scheme in ("s3://", "minio://"):
        monkeypatch.setitem(artifact_paths._SCHEME_TO_MOUNT, scheme, f"{tmp_path}/{scheme[:-3]}/")
    return tmp_path


@pytest.fixture
def make_config(mount):
    def make(**settings) -> PretrainConfig:
        names = ("dataset", "vocabulary", "checkpoint", "history", "pretrain_metrics")
        paths = {name: local_path(f"minio://data/run/{name}") for name in names}
        return PretrainConfig(**paths, **settings)

    return make


def write_outputs(config: PretrainConfig) -> None:
    config.checkpoint.mkdir(parents=True)
    (config.checkpoint / "vocab.txt").write_text("[PAD]\n", encoding="utf-8")
    config.history.write_text(json.dumps({"label": "run"} | LINE) + "\n", encoding="utf-8")


@pytest.mark.parametrize("scheme", ["s3", "minio"])
def test_what_is_published_is_fetched(mount, scheme):
    """A folder with its folders, and a file."""
    folder = local_path(f"{scheme}://data/run/dataset")
    (folder / "128").mkdir(parents=True)
    (folder / "128" / "shard").write_bytes(b"rows")
    file = folder.with_name("vocabulary")
    file.write_text("[PAD]\n", encoding="utf-8")
    for path in (folder, file):
        publish(path)
    shutil.rmtree(mount / scheme)

    for path in (folder, file):
        fetch(path)

    assert (folder / "128" / "shard").read_bytes() == b"rows"
    assert file.read_text("utf-8") == "[PAD]\n"


def test_an_input_that_is_not_there_is_named(mount):
    """By its address, not the path that stands for it."""
    with pytest.raises(InputError, match="s3://data/run/dataset: no such object"):
        fetch(local_path("s3://data/run/dataset"))


def test_the_job_puts_the_outputs_where_the_step_finds_them(
    make_config, cluster, mount, monkeypatch
):
    """The step has the history and the metrics; the checkpoint stays in the store."""
    config = make_config(num_nodes=2, num_processes=2)
    with monkeypatch.context() as in_the_job:
        in_the_job.setenv(JOB_VARIABLE, "job")
        in_the_job.setenv("HOROVOD_RANK", "0")
        told = train_and_summarize(make_config(), write_outputs)
    shutil.rmtree(mount / "minio")
    cluster.operator = succeed
    monkeypatch.setenv("KFP_POD_NAME", "step")

    metadata = train_and_summarize(config, write_outputs)

    assert metadata == told
    assert metadata["pretrain_metrics"]["loss"] == 1.5
    assert not config.checkpoint.exists()
    fetch(config.checkpoint)
    assert (config.checkpoint / "vocab.txt").exists()


def test_the_job_s_processes_have_the_step_s_settings(make_config):
    """As flags; without what is the step's own business, and what is the default anyway."""
    config = make_config(num_nodes=2, num_processes=2, xla="off", worker_pod='{"env": []}')

    flags = make_flags(config)

    given = dict(zip(flags[::2], flags[1::2], strict=True))
    names = (
        "checkpoint",
        "history",
        "pretrain-metrics",
        "xla",
        "num-processes",
        "dataset",
        "vocabulary",
    )
    assert given.keys() == {f"--{name}" for name in names}
    assert (given["--xla"], given["--num-processes"]) == ("off", "2")


def test_each_try_of_a_step_finds_the_same_jobs(make_config):
    """And another step finds others."""
    one = make_config().checkpoint

    assert name_step("pretrain-128", one) == name_step("pretrain-128", one)
    assert name_step("pretrain-128", one) != name_step("pretrain-128", one.with_name("other"))
    assert name_step("finetune-0.0003", one).startswith("finetune-0-0003-")
