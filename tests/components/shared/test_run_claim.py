"""One run at a time works on a record, on a disk and in buckets."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from components.shared.run_claim import claim_record, release_record


@pytest.fixture(params=["folder", "gs", "s3"])
def record(request, tmp_path, stores) -> str:
    if request.param == "folder":
        return str(tmp_path / "volume" / "last.json")
    return f"{request.param}://data/retraining/last.json"


def test_of_many_runs_at_once_one_gets_the_record(record):
    """Three rounds; every other run gets the winner's name."""
    runs = [f"run-{number}" for number in range(6)]
    for _ in range(3):
        with ThreadPoolExecutor(len(runs)) as pool:
            others = list(pool.map(lambda run: claim_record(record, run, max_hours=1), runs))

        (winner,) = (run for run, other in zip(runs, others, strict=True) if other is None)
        assert {other.run for other in others if other} == {winner}
        release_record(record, winner)


def test_nothing_is_left_of_an_ended_run(record, tmp_path):
    """No file stays beside the record, and releasing twice is no error."""
    for run in ("run-1", "run-2"):
        assert claim_record(record, run, max_hours=1) is None
        release_record(record, run)
        release_record(record, run)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
