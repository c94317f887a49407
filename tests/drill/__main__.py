"""Live through a year of retrainings: `make drill`."""

import tempfile
from pathlib import Path

from tests.drill.year import MONTHS, Year, live_through
from tests.pipelines.fakes.fake_kfp import running_fake_kfp
from tests.servers import Webhook, running

if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="drill-") as folder,
        running_fake_kfp() as kfp,
        running(Webhook()) as hook,
    ):
        live_through(Year(Path(folder), kfp, hook), MONTHS)
