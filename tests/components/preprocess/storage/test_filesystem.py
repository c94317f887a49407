import gc
import json
from pathlib import Path

import pytest
from apache_beam.internal.gcp import auth
from apache_beam.io.gcp.gcsio import GcsIO
from apache_beam.options.pipeline_options import PipelineOptions

from components.preprocess.config import PreprocessConfig
from components.preprocess.dump.files import open_dump
from components.preprocess.dump.reading import read_pages
from components.preprocess.rows.row_blocks import RowCounts
from components.preprocess.rows.shards import write_shard
from components.preprocess.run import run
from components.preprocess.storage import filesystem
from components.shared.errors import InputError
from tests.components.preprocess.outputs import read_files
from tests.components.preprocess.storage.stores import BUCKET, google_store, s3_store
from tests.components.preprocess.text_samples import make_texts


@pytest.fixture(scope="module", params=["gs", "s3"])
def store_environment(request, tmp_path_factory):
    """A store that runs for the tests of this file, and how it is reached."""
    start = {"gs": google_store, "s3": s3_store}[request.param]
    with start(tmp_path_factory.mktemp("store")) as environment:
        yield request.param, environment


@pytest.fixture
def store(store_environment, monkeypatch, request):
    """A folder of its own in a store."""
    scheme, environment = store_environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(auth._Credentials, "_credentials_init", False)
    filesystem.use_options(PipelineOptions(["--runner=FnApiRunner"]))
    return f"{scheme}://{BUCKET}/{request.node.originalname}"


@pytest.fixture
def make_config(tmp_path, dump_folder, vocabulary_file, write_dump, make_article):
    write_dump(*(make_article(page) for page in range(1, 21)), num_streams=4)

    def make(dataset, **settings):
        values = {
            "dump_files": dump_folder,
            "given_vocabulary": vocabulary_file,
            "dataset": Path(dataset),
            "vocabulary": tmp_path / "vocab.txt",
            "sequence_lengths": "16,64",
            "num_shards": 2,
        }
        return PreprocessConfig(**(values | settings))

    return make


def list_store(folder):
    return sorted(name.removeprefix(f"{folder}/") for name in filesystem._match(f"{folder}/**"))


def read_store(folder):
    return {name: read_bytes(filesystem.join(folder, name)) for name in list_store(folder)}


def read_bytes(address):
    with filesystem.open_file(address) as file:
        return file.read()


def upload(path, address):
    with filesystem.whole_file(address) as scratch:
        scratch.write_bytes(path.read_bytes())


def test_address_of_a_store_survives_pathlib():
    """A setting is a path, in which two slashes become one."""
    assert filesystem.find_address(Path("gs://bucket/a")) == "gs://bucket/a"
    assert filesystem.find_address(Path("/data/a")) == "/data/a"
    with pytest.raises(InputError, match=r"s3://\*\*\*@bucket/a: the address of a bucket holds no"):
        filesystem.find_address(Path("s3://me:secret@bucket/a"))


def test_mount_of_kubeflow_stands_for_its_store():
    """Workers elsewhere see the store, not the step's folder."""
    address = filesystem.find_address(Path("/minio/bucket/root/dataset"), in_store=True)

    assert address == "s3://bucket/root/dataset"
    assert filesystem.find_address(Path("/gcs/bucket/a")) == "/gcs/bucket/a"


def test_dataset_in_a_store_has_the_bytes_of_one_on_disk(store, make_config, tmp_path):
    """Whoever copies it from the store holds the same files, and nothing else is there."""
    run(make_config(tmp_path / "dataset"))
    run(make_config(store))

    assert read_store(store) == read_files(tmp_path / "dataset")


def test_dump_in_a_store_is_read_in_ranges(store, dump_folder, write_dump, make_article):
    """The pages are those of the file, whatever the number of parts."""
    pages = [make_article(page) for page in range(1, 21)]
    upload(write_dump(*pages, num_streams=5), f"{store}/dump.xml.bz2")

    dump = open_dump(store)
    parts = dump.cut(dump.num_bytes // 4)

    read = [page.decode() for part in parts for page in read_pages(part)]
    assert len(parts) >= 4
    assert read == [page.strip() for page in pages]


def test_dataset_of_a_dump_in_a_store_is_the_same(store, make_config, dump_folder, tmp_path):
    """Where the dump lies changes nothing."""
    upload(dump_folder / "dump.xml.bz2", f"{store}/dump.xml.bz2")

    run(make_config(tmp_path / "disk"))
    run(make_config(tmp_path / "store", dump_files=Path(store)))

    assert read_files(tmp_path / "disk") == read_files(tmp_path / "store")


def test_text_that_ingest_left_in_a_store_is_read_there(store, make_config, tmp_path):
    """By its address in text.json, beside files that are here; the rows are the same."""
    texts = make_texts(20)
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "a.txt").write_text("\n\n".join(texts))
    upload(tmp_path / "all" / "a.txt", f"{store}/in [a] folder/a*.txt")
    (tmp_path / "listed").mkdir()
    listed = [{"name": "a*.txt", "address": f"{store}/in [a] folder/a*.txt"}]
    (tmp_path / "listed" / "text.json").write_text(json.dumps({"files": listed}))

    for name in ("all", "listed"):
        run(make_config(tmp_path / f"from-{name}", dump_files=None, text_files=tmp_path / name))

    from_all, from_listed = (read_files(tmp_path / f"from-{name}") for name in ("all", "listed"))
    source = json.loads(from_listed.pop("dataset.json"))["corpora"]["text"]["source"]
    assert source == {"files": listed}
    del from_all["dataset.json"]
    assert from_listed == from_all


def test_text_that_left_its_store_is_an_error(store, make_config, tmp_path):
    """The stage to run again is named."""
    (tmp_path / "text").mkdir()
    listed = [{"name": "a.txt", "address": f"{store}/gone.txt"}]
    (tmp_path / "text" / "text.json").write_text(json.dumps({"files": listed}))

    with pytest.raises(InputError, match=r"gone\.txt: no such object any more; run the ingest"):
        run(make_config(tmp_path / "dataset", text_files=tmp_path / "text"))


def test_text_that_was_replaced_in_its_store_is_an_error(store, make_config, tmp_path):
    """By what the store knows of it, without reading it."""
    (tmp_path / "a.txt").write_text("\n\n".join(make_texts(5)))
    upload(tmp_path / "a.txt", f"{store}/a.txt")
    checksum = filesystem.find_checksum(f"{store}/a.txt")
    listed = {"name": "a.txt", "address": f"{store}/a.txt"}
    listed |= {"version": f"{store}/a.txt?etag={checksum}", "checksums": {"crc32c": checksum}}
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "text.json").write_text(json.dumps({"files": [listed]}))
    config = make_config(tmp_path / "dataset", dump_files=None, text_files=tmp_path / "text")
    run(config)
    (tmp_path / "a.txt").write_text("\n\n".join(make_texts(6)))
    upload(tmp_path / "a.txt", f"{store}/a.txt")

    with pytest.raises(InputError, match=rf"^{store}/a.txt: its (CRC32C|ETag) is .*, and was "):
        run(config)


def test_dump_in_a_store_that_was_replaced_is_an_error(store, dump_folder, write_dump, make_page):
    """By its size in any store."""
    path = write_dump(make_page(1, "One."))
    upload(path, f"{store}/dump.xml.bz2")
    listed = {"name": path.name, "bytes": path.stat().st_size}
    filesystem.write_text(f"{store}/dump.json", json.dumps({"files": [listed]}))
    assert len(open_dump(store).files) == 1
    upload(write_dump(make_page(1, "One and two.")), f"{store}/dump.xml.bz2")

    with pytest.raises(InputError, match=rf"^{store}/dump.xml.bz2: its size is "):
        open_dump(store)


def test_rerun_replaces_what_a_killed_run_left(store, make_config, tmp_path):
    """Shards of another number, a half one, and reports of the killed run are gone."""
    run(make_config(tmp_path / "dataset"))
    for name in ("length-16/shard-00000-of-00009.tfrecord", ".work/report.jsonl"):
        filesystem.write_text(filesystem.join(store, name), "half")
    filesystem.write_text(filesystem.join(store, "length-16/shard-00000-of-00002.tfrecord"), "half")
    filesystem.write_text(filesystem.join(store, "notes.txt"), "mine")

    run(make_config(store))

    left = read_store(store)
    assert left.pop("notes.txt") == b"mine"
    assert left == read_files(tmp_path / "dataset")


def test_failed_run_leaves_no_dataset(store, make_config, dump_folder):
    """A dump that is cut short ends the run: no dataset.json, no shard."""
    path = dump_folder / "dump.xml.bz2"
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(InputError, match="cut short"):
        run(make_config(store))

    assert list_store(store) == []


def test_dataset_json_comes_last(store, make_config, monkeypatch):
    """Who sees it can read all shards."""
    written = []
    upload_one = filesystem._upload

    def note(path, address):
        written.append(address)
        upload_one(path, address)

    monkeypatch.setattr(filesystem, "_upload", note)

    run(make_config(store))

    assert written[-1] == f"{store}/dataset.json"
    assert (
        sum("/shard-" in address for address in written) == 6
    )  # two and one held out for each length


def test_shard_without_rows_is_written(store):
    """Beam's own writer for S3 fails on an empty file."""
    described = write_shard(store, "shard", [], RowCounts())

    assert (described["num_rows"], described["num_bytes"]) == (0, 0)
    assert read_store(store) == {"shard": b""}


def test_vocabulary_is_trained_on_a_dump_in_a_store(store, make_config, dump_folder, tmp_path):
    """The words' counts pass through the store as well."""
    upload(dump_folder / "dump.xml.bz2", f"{store}/dump/dump.xml.bz2")
    config = make_config(
        f"{store}/dataset",
        dump_files=Path(f"{store}/dump"),
        given_vocabulary=None,
        vocabulary_size=150,
    )

    run(config)

    assert "cat" in config.vocabulary.read_text().split()


def test_mount_of_kubeflow_is_written_in_its_store(store, make_config, monkeypatch, tmp_path):
    """The launcher finds dataset.json in the step's folder; the shards are in the store."""
    mount = f"{tmp_path}/mount/"
    monkeypatch.setattr(filesystem, "_MOUNT_TO_STORE", {mount: f"{store.split(':')[0]}://"})
    name = store.split("://")[1]
    config = make_config(f"{mount}{name}", use_object_store=True)

    run(config)

    assert len(list_store(store)) == 7
    assert [path.name for path in config.dataset.iterdir()] == ["dataset.json"]
    assert (config.dataset / "dataset.json").read_bytes() == read_bytes(f"{store}/dataset.json")


def test_missing_bucket_is_named(store, make_config):
    """Before any work."""
    scheme = store.split(":")[0]

    with pytest.raises(InputError, match=f"^{scheme}://missing/.*: no such bucket"):
        run(make_config(f"{scheme}://missing/dataset"))


def test_what_could_not_be_written_does_not_come_later(tmp_path, monkeypatch):
    """Google's writer would try again when it is collected as garbage."""
    with google_store(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(auth._Credentials, "_credentials_init", False)
        filesystem.use_options(PipelineOptions(["--runner=FnApiRunner"]))
        with pytest.raises(InputError, match="no such bucket"):
            filesystem.write_text("gs://late/a.txt", "text")
        GcsIO().client.create_bucket("late")

        gc.collect()

        assert list_store("gs://late") == []


def test_missing_folder_is_named(store, make_config, tmp_path):
    """A prefix that holds nothing is no dump."""
    with pytest.raises(InputError, match=f"^{store}: no file in it"):
        run(make_config(tmp_path / "dataset", dump_files=Path(store)))


@pytest.mark.parametrize(
    ("scheme", "remedy"), [("gs", "application-default login"), ("s3", "AWS_ACCESS_KEY_ID")]
)
def test_who_has_not_signed_in_is_told_how(make_config, monkeypatch, tmp_path, scheme, remedy):
    """Before any work, and at once."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(InputError, match=f"no credentials for this store; .*{remedy}"):
        run(make_config(f"{scheme}://{BUCKET}/dataset"))


def test_store_that_cannot_be_reached_is_named(make_config, monkeypatch):
    """With its address as a thing to check."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    with pytest.raises(InputError, match="can't be used .*127.0.0.1:9.*s3_endpoint_url"):
        run(make_config(f"s3://{BUCKET}/dataset"))
