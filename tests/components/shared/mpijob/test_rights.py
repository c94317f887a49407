"""The role in manifests/base/mpijob.yaml: what a step does with its MPIJob, and no more."""

from pathlib import Path

import pytest
import yaml

from components.shared.errors import JobError
from tests.components.shared.mpijob.runs import NAME, make_run, succeed

ROLE = Path(__file__).parents[4] / "manifests" / "base" / "mpijob.yaml"


def test_the_role_is_what_a_step_does(cluster):
    """A job replaced and done, and one without pods: all rights are used, none is missing."""
    role, _ = yaml.safe_load_all(ROLE.read_text("utf-8"))
    allowed = {
        (verb, resource)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    cluster.create(make_run("older")._body)
    cluster.operator = succeed
    make_run().run()
    cluster.operator = lambda *_: None
    with pytest.raises(JobError, match=NAME):
        make_run(pending_timeout_seconds=1).run()

    assert set(cluster.requests) == allowed
