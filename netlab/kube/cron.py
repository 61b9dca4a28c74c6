"""Schedules of CronJobs: five fields, or a word such as ``@daily``.

Source: the cron library that Kubernetes uses, ``robfig/cron`` (ParseStandard); crontab(5).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_MONTHS: Final = tuple("jan feb mar apr may jun jul aug sep oct nov dec".split())  # noqa: SIM905
_DAYS: Final = tuple("sun mon tue wed thu fri sat".split())  # noqa: SIM905
_FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_WORDS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PART: Final = re.compile(r"([0-9]{1,9})([hms])", re.ASCII)
_UNITS_S: Final = {"h": 3600, "m": 60, "s": 1}
_HORIZON: Final = timedelta(days=366 * 5)
"""A schedule that names no day in five years, as 30 February, names none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When something is due, to the minute."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    is_either_day: bool
    """Whether both kinds of days are restricted, so that one of them is enough."""

    def next_after(self, at: datetime) -> datetime | None:
        """Return the first time after ``at`` that the schedule names, in the zone of ``at``."""
        found = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = at + _HORIZON
        while found < end:
            if not self._is_day(found):
                found = found.replace(hour=0, minute=0) + timedelta(days=1)
            elif found.hour not in self.hours:
                found = found.replace(minute=0) + timedelta(hours=1)
            elif found.minute not in self.minutes:
                found += timedelta(minutes=1)
            else:
                return found
        return None

    def _is_day(self, at: datetime) -> bool:
        if at.month not in self.months:
            return False
        in_month, in_week = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return in_month or in_week if self.is_either_day else in_month and in_week


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """What is due again and again, always as long after the last time."""

    wait: timedelta

    def next_after(self, at: datetime) -> datetime:
        """Return the next time."""
        return at.replace(microsecond=0) + self.wait


def parse_schedule(text: str) -> Schedule | Every:
    """Return the schedule that ``text`` spells.

    Raises:
        ValueError: It spells none; the message says why.

    >>> parse_schedule("*/15 9-17 * * mon-fri").hours == frozenset(range(9, 18))
    True
    """
    if text.startswith("@every "):
        return Every(wait=_duration(text.removeprefix("@every ")))
    words = _WORDS.get(text.strip(), text).split()
    if len(words) != len(_FIELDS):
        raise ValueError(f"expected exactly 5 fields, found {len(words)}: {words}")
    found = [
        _field(word, name, low, high, names)
        for word, (name, low, high, names) in zip(words, _FIELDS, strict=True)
    ]
    stars = [word.split("/")[0] in {"*", "?"} for word in (words[2], words[4])]
    return Schedule(
        minutes=found[0],
        hours=found[1],
        days=found[2],
        months=found[3],
        weekdays=found[4],
        is_either_day=not any(stars),
    )


def _duration(text: str) -> timedelta:
    """Return a duration as Go spells it, of a second at least."""
    parts = _PART.findall(text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        raise ValueError(f"failed to parse duration {text}")
    seconds = sum(int(number) * _UNITS_S[unit] for number, unit in parts)
    if seconds > _HORIZON.total_seconds():
        raise ValueError(f"failed to parse duration {text}")
    return timedelta(seconds=max(1, seconds))


def _field(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, name, 1, high + 1, ()) if slash else 1
        if span in {"*", "?"}:
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, name, low, high, names)
            last = _number(end, name, low, high, names) if dash else (high if slash else first)
        if last < first:
            raise ValueError(f"beginning of range ({first}) beyond end of range ({last}): {part}")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + (low or 0)
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise ValueError(f"failed to parse int from {text}")
    number = int(text)
    if name == "day of week" and number == 7:
        number = 0
    if not low <= number <= high:
        raise ValueError(f"{name} {number} is not between {low} and {high}")
    return number
