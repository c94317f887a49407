import shutil
import subprocess
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import FlinkRunnerOptions, PortableOptions

from components.preprocess.beam.runner import find_places, make_options
from components.preprocess.config import PreprocessConfig
from components.preprocess.run import run
from components.shared.errors import InputError
from tests.components.preprocess.beam.flink_cluster import run_cluster
from tests.components.preprocess.text_samples import make_texts, write_everything

ROOT = Path(__file__).parents[4]
JAR = ".tools/flink/flink-job-server.jar"


@pytest.fixture(scope="module")
def job_server_jar():
    """Beam's job server, made by `make flink-jar` where it isn't there yet."""
    if not shutil.which("java"):
        pytest.skip("no java on this machine, and Flink is a Java program")
    if not (ROOT / JAR).exists():
        if not shutil.which("mvn"):
            pytest.skip("no job server, and no Maven to make it with; see `make flink-jar`")
        made = subprocess.run(
            ["make", "flink-jar"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if made.returncode:
            pytest.skip(f"`make flink-jar` failed: {(made.stdout + made.stderr)[-300:]}")
    return str(ROOT / JAR)


def make_config(tmp_path, dump_files, **settings):
    return PreprocessConfig(
        dump_files=dump_files,
        dataset=tmp_path / "dataset",
        vocabulary=tmp_path / "vocab.txt",
        **settings,
    )


def read_files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> dict[str, Path]:
    """The sample that ships, and text in every form."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "dump").mkdir()
    shutil.copy(ROOT / "pipelines/sample/wiki-sample.xml.bz2", folder / "dump")
    (folder / "text").mkdir()
    write_everything(folder / "text", make_texts(60))
    return {"dump_files": folder / "dump", "text_files": folder / "text"}


@pytest.fixture(scope="module")
def embedded(inputs, tmp_path_factory) -> PreprocessConfig:
    """What Beam's embedded runner has made of the inputs."""
    config = make_config(tmp_path_factory.mktemp("embedded"), **inputs, vocabulary_size=4000)
    run(config)
    return config


def assert_same(config: PreprocessConfig, expected: PreprocessConfig) -> None:
    """Vocabulary, shards and dataset.json."""
    assert config.vocabulary.read_bytes() == expected.vocabulary.read_bytes()
    assert read_files(config.dataset) == read_files(expected.dataset)


@pytest.mark.long
def test_flink_gives_the_bytes_of_the_embedded_runner(tmp_path, inputs, embedded, job_server_jar):
    """On a cluster of Flink's own with two slots."""
    flink = make_config(
        tmp_path,
        **inputs,
        vocabulary_size=4000,
        beam_runner="flink",
        num_workers=2,
        flink_job_server_jar=job_server_jar,
    )

    run(flink)

    assert_same(flink, embedded)


@pytest.mark.long
def test_a_cluster_gives_the_bytes_of_the_embedded_runner(
    tmp_path, inputs, embedded, job_server_jar, monkeypatch
):
    """A session cluster with a worker pool beside it; where the job starts, no Java is needed."""
    if not shutil.which("mvn"):
        pytest.skip("no Maven to fetch the part of Flink with that a cluster takes jars")
    (tmp_path / "cluster").mkdir()

    with run_cluster(job_server_jar, tmp_path / "cluster") as cluster:
        monkeypatch.setenv("PATH", "")
        flink = make_config(
            tmp_path,
            **inputs,
            vocabulary_size=4000,
            beam_runner="flink",
            num_workers=2,
            flink_master=cluster.master,
            flink_worker_pool=cluster.worker_pool,
            flink_job_server_jar=job_server_jar,
        )
        run(flink)

    assert_same(flink, embedded)


@pytest.mark.slow
def test_users_error_comes_out_of_flink_alone(
    tmp_path, write_dump, make_article, vocabulary_file, job_server_jar
):
    """A dump that is cut short is named, with no Java around it, and leaves no dataset."""
    path = write_dump(*(make_article(page) for page in range(1, 40)), num_streams=4)
    path.write_bytes(path.read_bytes()[:-100])
    config = make_config(
        tmp_path,
        path.parent,
        given_vocabulary=vocabulary_file,
        beam_runner="flink",
        flink_job_server_jar=job_server_jar,
    )

    with pytest.raises(InputError) as error:
        run(config)

    message = str(error.value)
    assert message.startswith(f"{path}: cut short in the bz2 stream that starts at byte ")
    assert message.endswith("; fetch it again")
    assert not config.dataset.exists()


def test_cluster_of_ones_own_runs_workers_in_this_process(tmp_path):
    """Nothing to install, and this machine's folders are theirs."""
    options = make_options(make_config(tmp_path, tmp_path, beam_runner="flink", num_workers=3), 3)

    assert options.view_as(FlinkRunnerOptions).flink_master == "[local]"
    assert options.view_as(FlinkRunnerOptions).parallelism == 3
    assert options.view_as(PortableOptions).environment_type == "LOOPBACK"


@pytest.mark.parametrize(
    ("settings", "environment"),
    [
        ({"flink_worker_pool": "localhost:50000"}, ("EXTERNAL", "localhost:50000")),
        ({"worker_image": "registry/preprocess:1"}, ("DOCKER", "registry/preprocess:1")),
    ],
)
def test_workers_are_a_pool_or_containers(tmp_path, settings, environment):
    """As Beam calls them."""
    config = make_config(tmp_path, tmp_path, beam_runner="FlinkRunner", **settings)

    options = make_options(config, 0).view_as(PortableOptions)

    assert (options.environment_type, options.environment_config) == environment


def test_folder_of_this_machine_is_rejected_where_workers_are_elsewhere(tmp_path):
    """They would write into folders of their own."""
    config = make_config(tmp_path, Path("gs://b/d"), beam_runner="flink", flink_master="flink:8081")

    with pytest.raises(InputError, match=rf"^dataset: {tmp_path}/dataset is a folder of this"):
        find_places(config)


def test_cluster_that_does_not_answer_is_named(tmp_path):
    """Before a job server is started."""
    config = make_config(tmp_path, tmp_path, beam_runner="flink", flink_master="localhost:9")

    with pytest.raises(InputError, match="^flink_master localhost:9: no Flink cluster answers"):
        find_places(config)


def test_missing_java_is_named(tmp_path, monkeypatch):
    """With the command that installs it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InputError, match="^no java .*apt-get install openjdk-17-jre-headless"):
        find_places(make_config(tmp_path, tmp_path, beam_runner="flink"))


@pytest.mark.parametrize(
    ("jar", "message"),
    [
        ("/missing.jar", "flink_job_server_jar: /missing.jar: no such file; `make flink-jar`"),
        ("http://127.0.0.1:9/a.jar", "http://127.0.0.1:9/a.jar: the job server can't be fetched"),
    ],
)
def test_missing_job_server_is_named(tmp_path, monkeypatch, jar, message):
    """Whether a file or an address."""
    (tmp_path / "java").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InputError, match=f"^{message}"):
        find_places(make_config(tmp_path, tmp_path, beam_runner="flink", flink_job_server_jar=jar))


def test_unknown_version_of_flink_is_rejected(tmp_path):
    """Those that Beam has a job server for are listed."""
    with pytest.raises(InputError, match=r"flink_version must be one of 1\.19, .*, got '3'"):
        find_places(make_config(tmp_path, tmp_path, beam_runner="flink", flink_version="3"))
