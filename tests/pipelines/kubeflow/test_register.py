"""Compiled pipelines become versions on a cluster, through kfp's own client."""

import json

import pytest
import yaml
from kfp import dsl
from kfp.compiler import Compiler

from components.shared.images import name_image
from pipelines.commands.compile import CompileSettings, compile_pipeline
from pipelines.compiled_package import read_package
from pipelines.local.environments import REPOSITORY
from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_kfp import running_fake_kfp

PARAMETERS = {"dump": "simplewiki-latest", "squad_train": "gs://bucket/train.json"}


@dsl.container_component
def greet(name: str):
    return dsl.ContainerSpec(image="alpine:3", command=["echo", name])


def compile_greeting(path, text="hello"):
    @dsl.pipeline(name="greeting", description="Greets.")
    def pipeline(name: str = text):
        greet(name=name)

    Compiler().compile(pipeline, str(path))
    return path


@pytest.fixture
def kfp():
    with running_fake_kfp() as server:
        yield server


@pytest.fixture
def package(tmp_path):
    return compile_greeting(tmp_path / "greeting.yaml")


def compile_with_digest(folder, digest):
    """The package of a release: its images are named by what is in them."""
    images = folder / f"images-{digest}.json"
    pushed = f"registry.example/bert/pretrain@sha256:{digest}"
    images.write_text(json.dumps({name_image("pretrain"): pushed}), encoding="utf-8")
    package = folder / f"{digest}.yaml"
    settings = CompileSettings(pipeline="bert", hardware="cpu", images=images, output=package)
    compile_pipeline(settings)
    return package


def find_digest(kfp, run) -> str:
    """Return the digest of the image that a run's pretraining has."""
    reference = run["pipeline_version_reference"]
    (version,) = (
        one
        for one in kfp.versions[reference["pipeline_id"]]
        if one["pipeline_version_id"] == reference["pipeline_version_id"]
    )
    spec = version["pipeline_spec"].get("pipeline_spec", version["pipeline_spec"])
    image = spec["deploymentSpec"]["executors"]["exec-pretrain"]["container"]["image"]
    return image.rpartition("sha256:")[2]


def names(kfp) -> list[str]:
    return [one["display_name"] for versions in kfp.versions.values() for one in versions]


@pytest.mark.parametrize(
    ("release", "kfp_version", "needed"),
    [("2.16.0", "2.17", "2.17"), ("2.15.2", "2.16", "2.16"), ("2.15.0", "2.15", "")],
)
def test_a_server_that_is_too_old_gets_no_package(release, kfp_version, needed, kfp, tmp_path):
    """It would drop all Kubernetes settings, and start the run; `submit` refuses it, too."""
    kfp.release = release
    package = tmp_path / "squad.yaml"
    compile_pipeline(
        CompileSettings(pipeline="squad", hardware="cpu", kfp_version=kfp_version, output=package)
    )
    data = ("--squad-train", "s3://a/b.json", "--initial-checkpoint", "s3://a/bert")
    registered = run_command("register", package, "--host", kfp.address)
    submitted = run_command(
        "submit", "--package", package, "--host", kfp.address, "--no-follow", *data
    )

    for done in (registered, submitted):
        assert done.returncode == (2 if needed else 0), done.stderr
        if needed:
            said = f"squad: the package needs Kubeflow Pipelines {needed} or later, and "
            assert f"error: {said}{kfp.address} is {release}, which" in done.last_error
            assert done.last_error.endswith(f"compile it with --kfp-version {release[:4]}")
    assert bool(kfp.writes) is not bool(needed)


def test_the_api_server_s_own_address_tells_no_version(kfp, package):
    """Only the UI's does; the package is taken as it is."""
    kfp.is_ui, kfp.release = False, "2.15.0"

    assert run_command("register", package, "--host", kfp.address).returncode == 0


def test_a_new_pipeline_is_made_with_a_version_named_by_its_content(kfp, package):
    """And the server holds what the compiler wrote."""
    done = run_command("register", package, "--host", kfp.address)

    assert done.returncode == 0, done.stderr
    version = read_package(package).version_name
    assert done.stdout == f"greeting: version {version} is new\n"
    (pipeline,) = kfp.objects["pipelines"].values()
    assert (pipeline["display_name"], pipeline["description"]) == ("greeting", "Greets.")
    assert names(kfp) == [version]
    (held,) = kfp.versions[pipeline["pipeline_id"]]
    assert held["pipeline_spec"] == yaml.safe_load(package.read_text("utf-8"))


def test_the_same_content_again_changes_nothing(kfp, package):
    """Not one request that writes."""
    run_command("register", package, "--host", kfp.address)
    kfp.writes.clear()

    done = run_command("register", package, "--host", kfp.address)

    assert done.stdout.endswith("is there already\n")
    assert not kfp.writes


def test_comments_and_layout_are_no_content(tmp_path, package):
    """kfp's comments at the top of a package say the same twice."""
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(yaml.safe_load(package.read_text("utf-8")), indent=4))

    assert read_package(other).version_name == read_package(package).version_name


def test_other_content_is_a_new_version_and_the_old_stays(kfp, package, tmp_path):
    """A way back: its name says that it isn't the newest."""
    run_command("register", package, "--host", kfp.address)
    changed = compile_greeting(tmp_path / "changed.yaml", text="goodbye")
    done = run_command("register", changed, "--host", kfp.address)
    back = run_command("register", package, "--host", kfp.address)

    assert done.stdout.endswith("is new\n")
    assert len(set(names(kfp))) == 2
    assert len(kfp.objects["pipelines"]) == 1
    assert "but a newer one is what `latest` means" in back.stdout


def test_an_upgrade_leaves_a_run_and_a_pinned_schedule_their_images(kfp, tmp_path):
    """What begins later by the newest version has the new ones."""
    packages = [compile_with_digest(tmp_path, digit * 64) for digit in "01"]
    version = read_package(packages[0]).version_name
    common = {"pipeline": "bert", "cron": "0 0 3 2 * *", "parameters": PARAMETERS}
    schedules = [{"name": "pinned", "version": version}, {"name": "newest"}]
    file = tmp_path / "schedules.yaml"
    file.write_text(yaml.safe_dump({"schedules": [one | common for one in schedules]}))
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in PARAMETERS.items()]

    for package in packages:
        for command in (
            ("register", package),
            ("submit", "--pipeline", "bert", "--no-follow", *flags),
            ("schedule", "apply", "--file", file),
        ):
            done = run_command(*command, "--host", kfp.address)
            assert done.returncode == 0, done.stderr

    assert "nothing to do" in done.stdout
    name_to_run = {one["display_name"]: one for one in kfp.objects["recurringruns"].values()}
    begun = [*kfp.objects["runs"].values(), name_to_run["pinned"]]
    assert [find_digest(kfp, one) for one in begun] == ["0" * 64, "1" * 64, "0" * 64]
    assert not name_to_run["newest"]["pipeline_version_reference"]["pipeline_version_id"]


def test_a_package_that_is_none_is_rejected_before_any_is_sent(kfp, package, tmp_path):
    """Nothing half done."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("kind: Deployment\n")

    done = run_command("register", package, wrong, "--host", kfp.address)

    assert done.returncode == 2
    assert f"{wrong}: not a pipeline package" in done.last_error
    assert not kfp.writes


def test_resources_for_kubectl_are_told_as_such(kfp):
    """What the overlay kubeflow-native holds is no package."""
    file = REPOSITORY / "manifests" / "overlays" / "kubeflow-native" / "classification.yaml"

    done = run_command("register", file, "--host", kfp.address)

    assert done.returncode == 2
    assert f"{file}: holds resources for `kubectl apply`" in done.last_error


def test_a_token_signs_each_request_in(kfp, package, tmp_path):
    """As a pod's service account does, where Kubeflow has several users."""
    kfp.token = "abc"
    token = tmp_path / "token"
    token.write_text("abc\n")
    signed = run_command("register", package, "--host", kfp.address, "--token-file", token)
    unsigned = run_command("register", package, "--host", kfp.address)

    assert signed.returncode == 0, signed.stderr
    assert unsigned.returncode == 2
    assert "the server answers 401" in unsigned.last_error
    assert "User identity is empty" in unsigned.last_error


def test_in_a_namespace_the_pipeline_is_its_own(kfp, package):
    """Where Kubeflow has several users: one of that name that all share is left alone."""
    kfp.add_pipeline("greeting", "shared")

    done = run_command("register", package, "--host", kfp.address, "--namespace", "team")

    assert done.returncode == 0, done.stderr
    shared, own = kfp.objects["pipelines"].values()
    assert own["namespace"] == "team"
    assert [one["display_name"] for one in kfp.versions[shared["pipeline_id"]]] == ["shared"]
