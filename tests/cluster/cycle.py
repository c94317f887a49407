"""An overlay's way through a cluster."""

from pathlib import Path

from tests import kustomize
from tests.cluster.server import Server, identify


def apply_twice_and_delete(cluster: Server, overlay: Path, *options: str) -> None:
    """Fail if the second time changes anything, or if the deletion changes what was there.

    Args:
        cluster: the API server.
        overlay: a folder for `kubectl apply -k`.
        options: kubectl's, such as --as for another user.
    """
    own = {identify(resource) for resource in kustomize.build(overlay)}
    before = cluster.list_objects()

    cluster.kubectl("apply", "-k", overlay, *options)
    applied = cluster.list_objects()
    output = cluster.kubectl("apply", "-k", overlay, *options)
    again = cluster.list_objects()
    cluster.delete(overlay, *options)
    after = cluster.list_objects()

    assert applied.keys() - before.keys() == own
    assert {key: applied[key] for key in before} == before
    assert again == applied
    # kubectl 1.37 sends the selectors of these again, which changes nothing.
    sent = {key for key in own if key[0] in ("Deployment", "PodDisruptionBudget")}
    assert output.count(" unchanged\n") == len(own - sent)
    assert after == before
