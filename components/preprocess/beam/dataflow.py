"""Dataflow: Beam's options for it, and what can be known to be missing before it starts."""

from components.preprocess.config import PreprocessConfig
from components.preprocess.storage.store_errors import require_credentials
from components.shared.errors import InputError


def dataflow_flags(config: PreprocessConfig) -> list[str]:
    """Beam's options for a run on Dataflow."""
    flags = [
        f"--project={config.dataflow_project}",
        f"--region={config.dataflow_region}",
        f"--temp_location={config.dataflow_temp_location}",
        f"--sdk_container_image={config.worker_image}",
        # The image holds Beam and this stage: nothing is staged, built or installed at start.
        "--sdk_location=container",
        "--job_name=preprocess",
    ]
    if config.num_workers:
        flags.append(f"--max_num_workers={config.num_workers}")
    return flags


def check_dataflow(config: PreprocessConfig, dataset: str) -> None:
    """Refuse to start where a setting is missing.

    Raises:
        InputError: that names it, or says that nobody has signed in.
    """
    needed = {
        "dataflow_project": "the Google Cloud project",
        "dataflow_region": "where workers run, such as europe-west4",
        "dataflow_temp_location": "a gs:// folder for what Dataflow keeps while it runs",
        "worker_image": "this stage's image in a registry that Dataflow reaches",
    }
    for name, meaning in needed.items():
        if not getattr(config, name):
            raise InputError(f"{name} is not set, and Dataflow needs it: {meaning}")
    if not config.dataflow_temp_location.startswith("gs://"):
        raise InputError(
            f"dataflow_temp_location must be a gs:// folder, got {config.dataflow_temp_location!r}"
        )
    require_credentials(dataset if dataset.startswith("gs://") else config.dataflow_temp_location)
