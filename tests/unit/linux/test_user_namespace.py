"""Which IDs there are, told from files as the kernel writes them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.linux import user_namespace

MACHINE = "         0          0 4294967295\n"
ONE = "         0       1000          1\n"
SUBORDINATE = "         0       1000          1\n         1     100000      65536\n"

Enter = Callable[[str, str], None]


@pytest.fixture
def enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Enter]:
    """Have the calling process in a user namespace with this map of IDs."""

    def entered(ids: str, setgroups: str) -> None:
        for name in ("uid_map", "gid_map"):
            (tmp_path / name).write_text(ids)
        (tmp_path / "setgroups").write_text(setgroups)
        monkeypatch.setattr(user_namespace, "_SELF", tmp_path)
        _forget()

    def _forget() -> None:
        for cached in (user_namespace.is_initial, user_namespace.has_one_id):
            cached.cache_clear()
        user_namespace._ranges.cache_clear()

    yield entered
    _forget()


@pytest.mark.parametrize(
    ("ids", "initial", "one"),
    [
        pytest.param(MACHINE, True, False, id="the machine's own has every ID"),
        pytest.param(ONE, False, True, id="an ordinary user's has one"),
        pytest.param(SUBORDINATE, False, False, id="with newuidmap it has the subordinate ones"),
    ],
)
def test_a_user_namespace_is_known_by_its_ids(enter: Enter, ids: str, *, initial: bool, one: bool):
    enter(ids, "allow")
    assert user_namespace.is_initial() is initial
    assert user_namespace.has_one_id() is one


@pytest.mark.parametrize(
    ("ids", "setgroups", "wanted", "refused"),
    [
        pytest.param(MACHINE, "allow", (4_000_000, 7, (8,)), "", id="root has all"),
        pytest.param(ONE, "deny", (0, 0, ()), "", id="one ID is root's"),
        pytest.param(ONE, "deny", (101, 0, ()), "user ID 101", id="one ID is nobody else's"),
        pytest.param(ONE, "deny", (0, 101, ()), "group ID 101", id="nor another group's"),
        pytest.param(ONE, "deny", (0, 0, (5,)), "group ID 5", id="nor a further group's"),
        pytest.param(ONE, "deny", (0, 0, (0,)), "supplementary groups", id="which is denied"),
        pytest.param(SUBORDINATE, "allow", (65534, 65534, (1000,)), "", id="subordinate IDs are"),
        pytest.param(SUBORDINATE, "allow", (65537, 0, ()), "user ID 65537", id="as many as given"),
    ],
)
def test_an_id_that_is_not_there_is_refused_with_a_sentence(
    enter: Enter, ids: str, setgroups: str, wanted: tuple[int, int, tuple[int, ...]], refused: str
):
    enter(ids, setgroups)
    if not refused:
        user_namespace.require_ids(*wanted)
        return
    with pytest.raises(OSError, match=f"there is no {refused} in this lab"):
        user_namespace.require_ids(*wanted)
