"""The report of a release: one HTML file for a browser or the Kubeflow UI."""

from pathlib import Path

import jinja2

from components.release.candidate import Candidate
from components.release.gate import NAMES, Decision
from components.release.model_registry import Registration
from components.shared.files import write_text
from components.shared.text import mask_addresses

_TEMPLATE = Path(__file__).with_name("report.html.jinja")


def write_report(
    path: Path,
    *,
    version: str,
    model_store: str,
    compared_with: str,
    candidate: Candidate | None,
    decision: Decision,
    registration: Registration | None,
) -> None:
    """Write the report, whole or not at all.

    Args:
        path: the HTML file.
        version: that the model was released as; "" if it was not.
        model_store: where; "" if nowhere.
        compared_with: the version that was in use; "" if none was.
        candidate: the model; None where there is no store to release it to.
        decision: what was found.
        registration: what became of it in the model registry; None if it was not to be registered.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    text = environment.get_template(_TEMPLATE.name).render(
        version=version,
        reasons=decision.reasons,
        registration=registration,
        model_store=mask_addresses(model_store),
        compared_with=compared_with,
        candidate=candidate,
        differences=decision.differences,
        names=NAMES,
    )
    write_text(path, text)
