"""How far a kernel is locked down."""

from pathlib import Path

import pytest

from netlab.linux.lockdown import lockdown


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("[none] integrity confidentiality\n", "none"),
        ("none integrity [confidentiality]\n", "confidentiality"),
        ("", ""),
    ],
)
def test_the_mode_in_brackets_is_the_one_in_force(tmp_path: Path, text: str, mode: str):
    path = tmp_path / "lockdown"
    path.write_text(text)
    assert lockdown(path) == mode


def test_a_kernel_without_it_says_nothing(tmp_path: Path):
    assert lockdown(tmp_path / "lockdown") == ""
