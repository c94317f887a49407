"""Cron expressions: what robfig/cron rejects is rejected here."""

import random
from datetime import datetime

import pytest

from components.shared.errors import InputError
from pipelines.kubeflow.cron import parse_cron

BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
NAMES = (
    *({},) * 4,
    {name: number for number, name in enumerate(MONTHS, start=1)},
    {name: number for number, name in enumerate(DAYS)},
)


def value(text, names):
    return names[text.lower()] if text.lower() in names else int(text)


def their_parser_accepts(field, bounds, names):
    """State the rules of robfig/cron once more, by splitting as its parser does."""
    least, most = bounds
    for text in field.split(","):
        range_, *steps = text.split("/")
        low, *highs = range_.split("-")
        if len(steps) > 1 or (steps and not steps[0].isdecimal()) or (steps and not int(steps[0])):
            return False
        if low in ("*", "?"):
            if highs:
                return False  # accepted there, but it means something else than it says
            continue
        words = [low, *highs]
        if len(words) > 2 or not all(word.isdecimal() or word.lower() in names for word in words):
            return False
        first = value(low, names)
        last = value(highs[0], names) if highs else most if steps else first
        if not least <= first <= last <= most:
            return False
    return True


def accepts(cron):
    try:
        parse_cron(cron)
    except InputError:
        return False
    return True


def test_random_fields_are_accepted_where_robfigs_rules_accept_them():
    """4,000 of each field, drawn from the characters that mean something."""
    random_ = random.Random(15)
    pieces = ["*", "?", "-", "/", ",", "0", "1", "5", "07", "12", "31", "59", "60", "jan", "Sun"]
    num_accepted = 0
    for index, (bounds, names) in enumerate(zip(BOUNDS, NAMES, strict=True)):
        for _ in range(4000):
            field = "".join(random_.choices(pieces, k=random_.randint(1, 5)))
            parts = ["*"] * 6
            parts[index] = field

            expected = their_parser_accepts(field, bounds, names)

            assert accepts(" ".join(parts)) == expected, (index, field)
            num_accepted += expected
    assert num_accepted > 2000


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("*/0 * * * * *", r"seconds must have a step of 1 or more after the slash, got '\*/0'"),
        ("1/ * * * * *", "seconds must be ranges such as .*, got '1/'"),
        (
            "0 5-1 * * * *",
            "minutes must be a range from the smaller to the larger value, got '5-1'",
        ),
        ("0 0 3 * * sat-mon", "day of the week must be a range from the smaller"),
        ("0 0 3 1,,2 * *", "day of the month must be ranges such as .*, got ''"),
        ("0 0 3 L * *", "day of the month must be a number, got 'L'"),
        ("0 0 99999999999999999999 * * *", "hours must be 0 to 23"),
        ("@daily", "must have six fields .*; got 1"),
        ("", "must have six fields .*; got 0"),
        ("0 0 3 ٣ * *", "day of the month must be ranges such as"),
    ],
)
def test_an_error_names_the_field_and_what_it_should_be(cron, message):
    """In one line."""
    with pytest.raises(InputError, match=message):
        parse_cron(cron)


@pytest.mark.parametrize(
    ("cron", "after", "until", "comes"),
    [
        # The end counts, the start does not.
        ("0 30 3 * * 0", "2026-11-29T03:29:59", "2026-11-29T03:30:00", True),
        ("0 30 3 * * 0", "2026-11-29T03:30:00", "2026-12-06T03:29:59", False),
        # Long after.
        ("0 30 3 * * sun", "2026-11-29T03:30:00", "2027-11-29T00:00:00", True),
        ("15/20 * * * * ?", "2026-11-29T03:30:35", "2026-11-29T03:30:55", True),
        ("15/20 * * * * ?", "2026-11-29T03:30:55", "2026-11-29T03:31:14", False),
        ("0 0 1-5/2,22 * * *", "2026-11-29T05:00:00", "2026-11-29T21:59:59", False),
        # Either of two fields for a day; both where one of them is for any day.
        ("0 0 0 13 * fri", "2026-11-12T12:00:00", "2026-11-13T00:00:00", True),
        ("0 0 0 13 * fri", "2026-12-12T12:00:00", "2026-12-13T00:00:00", True),
        ("0 0 0 */2 * fri", "2026-11-12T12:00:00", "2026-11-13T00:00:00", True),
        ("0 0 0 */2 * fri", "2026-11-19T12:00:00", "2026-11-20T00:00:00", False),
        ("0 0 0 31 feb *", "2026-01-01T00:00:00", "2036-01-01T00:00:00", False),
    ],
)
def test_a_time_comes_when_robfigs_does(cron, after, until, comes):
    """Compared with robfig/cron 1.2.0, the one of Kubeflow's controller, on 6,000 of them."""
    times = (datetime.fromisoformat(after), datetime.fromisoformat(until))

    assert parse_cron(cron).comes_between(*times) == comes
