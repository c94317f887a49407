"""What the whole English Wikipedia would take, going by what an excerpt of it took."""

from tests.benchmarks.measuring.report import Table

# enwiki's pages-articles of October 2026: 27 GB of bz2.
_MEGABYTES = 100_000
# Sixteen cores with two threads each; US dollars an hour on demand in us-central1, as SkyPilot's
# catalogue of Google's prices has it (catalogs/v8/gcp/vms.csv).
_MACHINE, _CORES, _DOLLARS = "c4-standard-32", 16, 1.58136
_NUM_MACHINES = (1, 4)


def estimate_whole_dump(megabytes_per_second: float, efficiency: float) -> Table:
    """Hours and dollars.

    Args:
        megabytes_per_second: XML that one worker takes.
        efficiency: share of that which a worker takes beside others.
    """
    rows = []
    for count in _NUM_MACHINES:
        num_workers = count * _CORES
        hours = _MEGABYTES / (megabytes_per_second * num_workers * efficiency) / 3600
        rows.append((f"{count} × {_MACHINE}", num_workers, hours, count * hours * _DOLLARS))
    return Table(
        "The whole English Wikipedia (27 GB of bz2, 100 GB of XML), extrapolated",
        ("machines", "workers, one a core", "hours", "US dollars"),
        rows,
        f"Not run: from the speed above, with two workers' efficiency ({efficiency:.0%}) at any "
        f"number, and machines as fast as this one at ${_DOLLARS} an hour (on demand, "
        "us-central1). Its articles are shorter than the excerpt's and their share of text is "
        "less. More than one machine takes Flink or Dataflow, whose shuffle is not in it.",
    )
