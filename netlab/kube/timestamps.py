"""Times as objects carry them: RFC 3339, in UTC."""

from datetime import UTC, datetime
from functools import lru_cache


def timestamp(seconds: float) -> str:
    """Return wall clock seconds since 1970 as objects carry them.

    >>> timestamp(0)
    '1970-01-01T00:00:00Z'
    """
    return _of_second(int(seconds))


@lru_cache(maxsize=16)
def _of_second(second: int) -> str:
    # Many objects carry the time of the same second; they share one text.
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(seconds: float) -> str:
    """Return wall clock seconds since 1970 as a Lease carries them: to the microsecond.

    >>> micro_timestamp(0.5)
    '1970-01-01T00:00:00.500000Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text: str) -> float:
    """Return a timestamp as seconds since 1970.

    >>> seconds("1970-01-01T00:01:00Z")
    60.0
    """
    return datetime.fromisoformat(text).timestamp()
