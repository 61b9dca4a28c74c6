import re
from datetime import UTC, datetime

import pytest

from netlab.kube.cron import parse_schedule

AT = datetime(2027, 1, 15, 8, 30, 20, tzinfo=UTC)
"""A Friday."""


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("* * * * *", "2027-01-15 08:31"),
        ("*/15 * * * *", "2027-01-15 08:45"),
        ("5/20 * * * *", "2027-01-15 08:45"),
        ("0 9-17 * * mon-fri", "2027-01-15 09:00"),
        ("0 7 * * mon-fri", "2027-01-18 07:00"),
        ("0 0 13 * fri", "2027-01-22 00:00"),
        ("30 8 15 1 ?", "2028-01-15 08:30"),
        ("0 0 29 feb *", "2028-02-29 00:00"),
        ("0 0 * * 7", "2027-01-17 00:00"),
        ("1,2 3 * dec 0", "2027-12-05 03:01"),
        ("@hourly", "2027-01-15 09:00"),
        ("@monthly", "2027-02-01 00:00"),
    ],
)
def test_when_a_schedule_is_due_next(schedule: str, due: str):
    found = parse_schedule(schedule).next_after(AT)
    assert found is not None
    assert found.strftime("%Y-%m-%d %H:%M") == due


def test_a_day_that_never_comes_is_never_due():
    assert parse_schedule("0 0 30 2 *").next_after(AT) is None


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("* * * *", "expected exactly 5 fields, found 4"),
        ("60 * * * *", "minute 60 is not between 0 and 59"),
        ("x * * * *", "failed to parse int from x"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1)"),
        ("*/0 * * * *", "minute 0 is not between 1 and 60"),
        ("@often", "expected exactly 5 fields"),
        ("٣ * * * *", "failed to parse int"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, why: str):
    with pytest.raises(ValueError, match=re.escape(why)):
        parse_schedule(schedule)
