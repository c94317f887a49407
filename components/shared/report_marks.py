"""Where a later stage adds to the report of an earlier one."""

RUNS = "<!-- runs -->"
"""Place for the scores of all models of a run, in the report of one of them."""
