from pathlib import Path

import apache_beam
import pytest
from apache_beam.internal.gcp import auth
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2

from components.preprocess.beam.runner import find_places
from components.preprocess.config import PreprocessConfig
from components.preprocess.run import run
from components.preprocess.storage import filesystem
from components.shared.errors import InputError
from tests.components.preprocess.beam.dataflow_service import dataflow_service
from tests.components.preprocess.storage.stores import BUCKET, google_store

SETTINGS = {
    "beam_runner": "dataflow",
    "dataflow_project": "a-project",
    "dataflow_region": "europe-west4",
    "dataflow_temp_location": f"gs://{BUCKET}/temp",
    "worker_image": "europe-docker.pkg.dev/a-project/bert/preprocess:0.1.0",
}


@pytest.fixture
def google(tmp_path, monkeypatch):
    """Google Cloud Storage, and who has signed in to it."""
    with google_store(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(auth._Credentials, "_credentials_init", False)
        filesystem.use_options(PipelineOptions(["--runner=FnApiRunner"]))
        yield


def make_config(tmp_path, **settings):
    values = {
        "dump_files": Path(f"gs://{BUCKET}/dump"),
        "dataset": Path(f"gs://{BUCKET}/dataset"),
        "vocabulary": tmp_path / "vocab.txt",
        "sequence_lengths": "16,64",
        "num_shards": 2,
    }
    return PreprocessConfig(**(values | SETTINGS | settings))


def read_bytes(address):
    with filesystem.open_file(address) as file:
        return file.read()


@pytest.mark.slow
def test_job_runs_this_stages_image_and_writes_the_dataset(
    tmp_path, google, write_dump, make_article, vocabulary_file
):
    """Dataflow gets the graph, its workers and their image; the dataset is that of any runner."""
    path = write_dump(*(make_article(page) for page in range(1, 21)), num_streams=4)
    with filesystem.whole_file(f"gs://{BUCKET}/dump/dump.xml.bz2") as scratch:
        scratch.write_bytes(path.read_bytes())
    embedded = make_config(
        tmp_path,
        beam_runner="FnApiRunner",
        dump_files=path.parent,
        dataset=tmp_path / "dataset",
        given_vocabulary=vocabulary_file,
    )
    with dataflow_service() as service:
        config = make_config(
            tmp_path,
            given_vocabulary=vocabulary_file,
            num_workers=7,
            beam_options=f"--dataflow_endpoint=http://localhost:{service.server_address[1]} "
            "--machine_type=n2-highmem-4 --disk_size_gb=50 --no_use_public_ips "
            "--subnetwork=regions/europe-west4/subnetworks/inner "
            "--service_account_email=worker@a-project.iam.gserviceaccount.com",
        )
        run(config)
    run(embedded)

    [pool] = service.job["environment"]["workerPools"]
    images = [one["containerImage"] for one in pool["sdkHarnessContainerImages"]]
    assert images == [SETTINGS["worker_image"]]
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 7
    assert (pool["machineType"], pool["diskSizeGb"]) == ("n2-highmem-4", 50)
    assert pool["ipConfiguration"] == 2  # WORKER_IP_PRIVATE
    assert pool["subnetwork"] == "regions/europe-west4/subnetworks/inner"
    email = service.job["environment"]["serviceAccountEmail"]
    assert email == "worker@a-project.iam.gserviceaccount.com"
    environments = service.graph.components.environments.values()
    dockers = {
        beam_runner_api_pb2.DockerPayload.FromString(one.payload).container_image
        for one in environments
    }
    assert dockers == {SETTINGS["worker_image"]}
    names = {one.unique_name for one in service.graph.components.transforms.values()}
    assert {"Make documents of ranges", "Pair and pack", "Write shards"} <= names
    for path in embedded.dataset.rglob("*.*"):
        name = path.relative_to(embedded.dataset)
        assert read_bytes(f"gs://{BUCKET}/dataset/{name}") == path.read_bytes()


@pytest.mark.slow
def test_users_error_comes_out_of_dataflow_alone(
    tmp_path, google, write_dump, make_article, vocabulary_file
):
    """A dump that is cut short is named, and leaves no dataset."""
    path = write_dump(*(make_article(page) for page in range(1, 40)), num_streams=4)
    with filesystem.whole_file(f"gs://{BUCKET}/dump/dump.xml.bz2") as scratch:
        scratch.write_bytes(path.read_bytes()[:-100])

    with dataflow_service() as service:
        endpoint = f"--dataflow_endpoint=http://localhost:{service.server_address[1]}"
        config = make_config(tmp_path, given_vocabulary=vocabulary_file, beam_options=endpoint)
        with pytest.raises(InputError) as error:
            run(config)

    assert str(error.value).startswith(f"gs://{BUCKET}/dump/dump.xml.bz2: cut short in the bz2")
    assert str(error.value).endswith("; fetch it again")
    assert list(filesystem.list_folder(f"gs://{BUCKET}/dataset")) == []


@pytest.mark.parametrize(
    "name", ["dataflow_project", "dataflow_region", "dataflow_temp_location", "worker_image"]
)
def test_missing_setting_is_named(tmp_path, name):
    """With what it means."""
    with pytest.raises(InputError, match=f"^{name} is not set, and Dataflow needs it: "):
        find_places(make_config(tmp_path, **{name: ""}))


def test_folder_of_this_machine_is_rejected(tmp_path):
    """Dataflow's workers don't see it."""
    with pytest.raises(InputError, match="^dump_files: /dump is a folder of this machine"):
        find_places(make_config(tmp_path, dump_files=Path("/dump")))


def test_boot_program_is_that_of_the_locked_beam():
    """The image builds it at the version of Beam that its lock has: this one."""
    lock = Path(__file__).parents[4] / "images/preprocess/uv.lock"

    assert f'name = "apache-beam"\nversion = "{apache_beam.__version__}"' in lock.read_text()
