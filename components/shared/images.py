"""The names of the images, one for each stage."""

VERSION = "0.1.0"


def name_image(stage: str) -> str:
    """The name and tag that `make images` gives a stage's image."""
    return f"kubeflow-bert/{stage}:{VERSION}"
