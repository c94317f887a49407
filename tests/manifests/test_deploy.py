"""The overlays' job, run: its commands with its files and settings, against a server."""

import subprocess
from pathlib import Path

import pytest

from components.shared.images import name_image
from pipelines.catalog import PIPELINES
from pipelines.retraining import SUFFIX
from tests.manifests.overlays import containers, list_configs, of_kind, pod_specs
from tests.pipelines.cli import Done, run_command
from tests.pipelines.engine import needs_images
from tests.pipelines.fakes.fake_kfp import running_fake_kfp
from tests.waiting import LONGEST_SECONDS


@pytest.fixture
def kfp():
    with running_fake_kfp() as server:
        server.token = "abc"
        yield server


class Pod:
    """The job's pod: its ConfigMaps as folders, its variables, its commands in order."""

    def __init__(self, overlay: str, folder: Path) -> None:
        (self.spec,) = pod_specs(overlay)
        (folder / "token").write_text("abc")
        self._folders = {"token": folder}
        configs = {one["metadata"]["name"]: one["data"] for one in of_kind(overlay, "ConfigMap")}
        for volume in self.spec["volumes"]:
            if names := list_configs(volume):
                self._folders[volume["name"]] = folder / volume["name"]
                self._folders[volume["name"]].mkdir()
                files = {file: text for name in names for file, text in configs[name].items()}
                for file, text in files.items():
                    (folder / volume["name"] / file).write_text(text, encoding="utf-8")

    def mounts(self, container: dict) -> dict[str, Path]:
        """By where they are in the container."""
        return {
            mount["mountPath"]: self._folders[mount["name"]]
            for mount in container["volumeMounts"]
            if mount["name"] in self._folders
        }

    def variables(self, container: dict) -> dict[str, str]:
        return {one["name"]: one.get("value", "team") for one in container["env"]}


def run_here(pod: Pod, host: str, monkeypatch) -> list[Done]:
    """Each container's command in this process, its paths as they are on this machine."""
    done = []
    for container in containers(pod.spec):
        places = pod.mounts(container)

        def place(text: str, places=places) -> str:
            for inside, outside in places.items():
                text = text.replace(inside, str(outside))
            return text

        for name, value in pod.variables(container).items():
            monkeypatch.setenv(name, place(value))
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", host)
        done.append(run_command(*map(place, container["args"])))
    return done


@pytest.mark.parametrize("overlay", ["kubeflow", "gke", "standalone"])
def test_the_job_registers_and_schedules(kfp, tmp_path, monkeypatch, overlay):
    """And does nothing when it runs again."""
    pod = Pod(overlay, tmp_path)

    done = run_here(pod, kfp.address, monkeypatch)
    writes = len(kfp.writes)
    again = run_here(pod, kfp.address, monkeypatch)

    assert [one.returncode for one in done + again] == [0] * 4, done
    pipelines = {one["display_name"] for one in kfp.objects["pipelines"].values()}
    assert pipelines == {"bert", "bert-retraining", "classification", "squad"}
    (run,) = kfp.objects["recurringruns"].values()
    assert (run["display_name"], run["status"]) == ("monthly-retraining", "DISABLED")
    assert run["service_account"] == "bert-runner"
    assert "+ monthly-retraining" in done[1].stdout
    (experiment,) = kfp.objects["experiments"].values()
    namespace = "" if overlay == "standalone" else "team"
    assert experiment["namespace"] == namespace
    assert again[1].stdout.startswith("nothing to do")
    assert len(kfp.writes) == writes


def test_the_job_waits_for_pipelines_that_are_resources(kfp, tmp_path, monkeypatch):
    """It fails until they are there; Kubernetes tries it again."""
    pod = Pod("kubeflow-native", tmp_path)

    early = run_here(pod, kfp.address, monkeypatch)
    kfp.add_pipeline("bert-retraining", "bert-retraining-1")
    done = run_here(pod, kfp.address, monkeypatch)

    assert [one.returncode for one in early] == [2]
    assert "the cluster has no pipeline 'bert-retraining'" in early[0].last_error
    assert [one.returncode for one in done] == [0]
    assert len(kfp.objects["recurringruns"]) == 1


@needs_images
def test_the_job_runs_in_its_image(kfp, tmp_path):
    """As the manifest has it: another user, nothing to write to but /tmp."""
    pod = Pod("kubeflow", tmp_path)
    for container in containers(pod.spec):
        user = pod.spec["securityContext"]["runAsUser"]
        command = ["docker", "run", "--rm", "--network=host", f"--user={user}", "--read-only"]
        command += ["--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        variables = pod.variables(container) | {"KF_PIPELINES_ENDPOINT": kfp.address}
        command += [f"--env={name}={value}" for name, value in variables.items()]
        for inside, outside in pod.mounts(container).items():
            command.append(f"--volume={outside}:{inside}:ro")
        assert container["image"] == name_image("pipelines")
        command += [container["image"], *container["args"]]
        tmp_path.chmod(0o755)

        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
        )

        assert done.returncode == 0, done.stderr
    names = {one["display_name"] for one in kfp.objects["pipelines"].values()}
    assert names == {*PIPELINES, f"bert{SUFFIX}"}
    assert len(kfp.objects["recurringruns"]) == 1
