"""The role in manifests/components/mpijob: what a step does with its MPIJobs, and no more."""

from pathlib import Path

import pytest
import yaml

from components.shared.errors import JobError
from components.shared.processes.termination import Termination
from tests.components.shared.mpijob.runs import NAME, STEP, make_run, succeed

ROLE = Path(__file__).parents[4] / "manifests" / "components" / "mpijob" / "role.yaml"


def test_the_role_is_what_a_step_does(cluster):
    """A job replaced and done, and one without pods: all rights are used, none is missing."""
    role = yaml.safe_load(ROLE.read_text("utf-8"))
    allowed = {
        (verb, resource)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    cluster.create("mpijobs", make_run(f"{STEP}-older")._body)
    cluster.operator = succeed
    cluster.unanswered = 2  # the policy's creation and the job's: it asks what there is
    make_run().run(Termination())
    cluster.operator = lambda *_: None
    with pytest.raises(JobError, match=NAME):
        make_run(pending_timeout_seconds=1).run(Termination())

    assert set(cluster.requests) == allowed
