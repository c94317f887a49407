"""The guides: short, and every link leads somewhere."""

import re
from pathlib import Path

import pytest

from tests.runner.project_files import list_files
from tests.runner.suites import REPOSITORY

GUIDES = [str(path.relative_to(REPOSITORY)) for path in list_files("*.md")]


def read(path: Path) -> str:
    return path.read_text("utf-8")


def anchors(path: Path) -> set[str]:
    """The headings as GitHub names them in links."""
    headings = re.findall(r"^#+ (.*)$", read(path), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_fits_on_a_few_screens(guide):
    """The first page most of all."""
    limit = 130 if guide == "README.md" else 150

    assert len(read(REPOSITORY / guide).splitlines()) <= limit


@pytest.mark.parametrize("guide", GUIDES)
def test_the_links_of_a_guide_lead_somewhere(guide):
    """Files, folders and headings of this project."""
    path = REPOSITORY / guide
    text = re.sub(r"^```.*?^```", "", read(path), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if target.is_dir():
            target = target / "README.md" if anchor else target
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []
