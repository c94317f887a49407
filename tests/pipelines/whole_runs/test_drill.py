"""Three months of the year that `make drill` lives through."""

import pytest

from tests.drill.year import Year, live_through, start, upgrade, wrong_labels
from tests.pipelines.fakes.fake_kfp import running_fake_kfp
from tests.servers import Webhook, running


@pytest.mark.slow
def test_months_of_retraining_leave_the_models_and_messages_that_were_expected(tmp_path):
    """A first model, one that learned wrong answers, and an upgrade that changes nothing."""
    with running_fake_kfp() as kfp, running(Webhook()) as hook:
        year = Year(tmp_path / "year", kfp, hook)

        live_through(year, (start, wrong_labels, upgrade))

        assert len(year.published) == 1
