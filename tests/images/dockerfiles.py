"""The Dockerfiles of the images."""

from pipelines.local.environments import REPOSITORY

ON_TENSORFLOW = ("pretrain", "finetune", "evaluate")


def read_dockerfile(image: str) -> list[str]:
    """Return the lines of an image's Dockerfile, its name filled in where several share one."""
    name = "tensorflow/stage.Dockerfile" if image in ON_TENSORFLOW else f"{image}/Dockerfile"
    text = (REPOSITORY / "images" / name).read_text("utf-8")
    return text.replace("${STAGE}", image).splitlines()
