"""The Dockerfiles of the images."""

from pipelines.local.environments import REPOSITORY

ON_TENSORFLOW = ("pretrain", "finetune", "evaluate")
TARGETS = ("ingest", "serve")
"""Images with a target each in one file."""


def read_dockerfile(image: str) -> list[str]:
    """Return the lines of an image's Dockerfile: of one that several share, its name and target."""
    name = f"{image}/Dockerfile"
    if image in ON_TENSORFLOW:
        name = "tensorflow/stage.Dockerfile"
    elif image in TARGETS:
        name = "stage.Dockerfile"
    text = (REPOSITORY / "images" / name).read_text("utf-8").replace("${STAGE}", image)
    others = {f"stage AS {one}" for one in TARGETS if one != image}
    sections = text.split("\nFROM ")
    kept = [section for section in sections if section.partition("\n")[0] not in others]
    return "\nFROM ".join(kept).splitlines()
