"""What a client sees of a log."""

import pytest

from netlab.apiserver.streams.logs import (
    LogOptions,
    LogOptionsError,
    LogReader,
    parse_log_options,
)

LOG = (
    b"2026-01-01T00:00:00.000000001Z stdout F one\n"
    b"2026-01-01T00:00:01.500000000Z stderr P tw\n"
    b"2026-01-01T00:00:01.600000000Z stdout F three\n"
    b"2026-01-01T00:00:02.000000000Z stderr F o\n"
)
SECOND = 1767225601.0


def shown(options: LogOptions, *blocks: bytes) -> bytes:
    reader = LogReader(options)
    return b"".join(map(reader.feed, blocks or [LOG]))


def test_lines_have_their_text_alone_and_parts_are_joined():
    assert shown(LogOptions()) == b"one\ntwthree\no\n"


def test_timestamps_are_at_the_head_of_whole_lines():
    log = b"T1 stdout F one\nT2 stdout P tw\nT3 stdout P o \nT4 stdout F words\n"
    assert shown(LogOptions(timestamps=True), log) == b"T1 one\nT2 two words\n"


def test_lines_before_a_moment_are_left_out():
    assert shown(LogOptions(since=SECOND + 0.55)) == b"three\no\n"


def test_no_more_bytes_than_wanted_are_shown():
    assert shown(LogOptions(limit=5)) == b"one\nt"
    reader = LogReader(LogOptions(limit=3))
    assert (reader.feed(LOG), reader.is_done) == (b"one", True)


@pytest.mark.parametrize("size", [1, 7, 50])
def test_blocks_may_be_cut_anywhere(size: int):
    blocks = [LOG[at : at + size] for at in range(0, len(LOG), size)]
    assert shown(LogOptions(), *blocks) == shown(LogOptions())


def test_a_line_without_its_end_waits():
    assert shown(LogOptions(), LOG[:40]) == b""


def test_empty_lines_and_spaces_stay():
    log = b"T stdout F \nT stdout F  two  spaces \n"
    assert shown(LogOptions(), log) == b"\n two  spaces \n"


def test_options_are_read_as_go_reads_them():
    query = {"follow": "True", "tailLines": "0", "sinceSeconds": "60", "container": "web"}
    found = parse_log_options({**query, "timestamps": "1", "limitBytes": ""}, now=1000.0)
    assert found == LogOptions(container="web", follow=True, timestamps=True, tail=0, since=940.0)
    moment = parse_log_options({"sinceTime": "2026-01-01T00:00:01Z"}, now=0)
    assert moment.since == SECOND


@pytest.mark.parametrize(
    "query",
    [
        {"tailLines": "-1"},
        {"tailLines": "many"},
        {"sinceSeconds": "0"},
        {"limitBytes": "0"},
        {"sinceTime": "yesterday"},
        {"sinceTime": "2026-01-01T00:00:01Z", "sinceSeconds": "1"},
    ],
    ids=str,
)
def test_options_that_are_wrong_are_refused(query: dict[str, str]):
    with pytest.raises(LogOptionsError):
        parse_log_options(query, now=0)
