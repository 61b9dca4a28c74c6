import os
from pathlib import Path

import pytest

from netlab.rootless import id_maps


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("me:100000:65536\n", ((100000, 65536),), id="by name"),
        pytest.param(f"{os.geteuid()}:5:10\n", ((5, 10),), id="by number"),
        pytest.param("me:1:2\nyou:9:9\nme:30:4\n", ((1, 2), (30, 4)), id="several, and others'"),
        pytest.param("# me:1:2\n\nme:1\nme:a:2\n", (), id="none that can be read"),
        pytest.param(None, (), id="no file"),
    ],
)
def test_subordinate_ids_are_those_of_the_user(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
    found: tuple[tuple[int, int], ...],
):
    file = tmp_path / "subuid"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(id_maps, "_FILES", {"newuidmap": file, "newgidmap": file})
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr("pwd.getpwuid", lambda _: type("User", (), {"pw_name": "me"}))
    ids = id_maps.subordinate_ids()
    assert (ids.uids if ids else ()) == found


def test_without_newuidmap_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert id_maps.subordinate_ids() is None


def test_ids_inside_begin_with_the_users_own_and_have_no_gap():
    assert id_maps.map_of(1000, ((100000, 10), (5000, 5))) == [
        *(0, 1000, 1),
        *(1, 100000, 10),
        *(11, 5000, 5),
    ]
