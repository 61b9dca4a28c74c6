"""Log files that grow, are renamed, and end."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from netlab.apiserver.streaming.logs import read_log
from netlab.apiserver.streams.logs import LogOptions


def line(text: str) -> str:
    return f"2026-01-01T00:00:00Z stdout F {text}\n"


async def read(path: Path, options: LogOptions, is_running: Callable[[], bool]) -> str:
    return b"".join([block async for block in read_log(path, options, is_running)]).decode()


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(None, "0\n1\n2\n"), (0, ""), (1, "2\n"), (2, "1\n2\n"), (3, "0\n1\n2\n"), (9, "0\n1\n2\n")],
)
def test_as_many_lines_as_are_wanted_come_from_the_end(
    tmp_path: Path, tail: int | None, expected: str
):
    path = tmp_path / "0.log"
    path.write_text("".join(map(line, "012")))
    assert asyncio.run(read(path, LogOptions(tail=tail), lambda: True)) == expected


def test_the_end_of_a_long_log_is_found(tmp_path: Path):
    path = tmp_path / "0.log"
    path.write_text("".join(line(f"{number:04} {'x' * 100}") for number in range(5000)))
    found = asyncio.run(read(path, LogOptions(tail=1500), lambda: False)).splitlines()
    assert [int(text[:4]) for text in found] == list(range(3500, 5000))


def test_a_log_that_is_not_there_is_empty(tmp_path: Path):
    assert asyncio.run(read(tmp_path / "0.log", LogOptions(), lambda: True)) == ""


def test_a_log_is_followed_over_a_new_file_until_its_container_ends(tmp_path: Path):
    path = tmp_path / "0.log"
    path.write_text(line("old"))
    state = {"running": True}

    async def follow() -> str:
        found = ""
        blocks = read_log(path, LogOptions(follow=True), lambda: state["running"])
        async for block in blocks:
            found += block.decode()
            if block == b"old\n":
                with path.open("a") as file:
                    file.write(line("more"))
            elif block == b"more\n":
                path.rename(tmp_path / "0.log.1")
                path.write_text(line("new file"))
            else:
                state["running"] = False
                # The last words are written when it is known already that it has ended.
                with path.open("a") as file:
                    file.write(line("last words"))
                if block == b"last words\n":
                    break
        await blocks.aclose()
        return found

    found = asyncio.run(asyncio.wait_for(follow(), 10))
    assert found == "old\nmore\nnew file\nlast words\n"


def test_a_reader_that_leaves_is_no_longer_waited_for(tmp_path: Path):
    path = tmp_path / "0.log"
    path.write_text(line("one"))

    async def leave() -> bytes:
        blocks = read_log(path, LogOptions(follow=True), lambda: True)
        first = await anext(blocks)
        waiting = asyncio.ensure_future(anext(blocks))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await blocks.aclose()
        return first

    assert asyncio.run(asyncio.wait_for(leave(), 5)) == b"one\n"
