import subprocess
import sys

import pytest

PROGRAM = """
from netlab.cli.ascii_forms import use_ascii_forms
use_ascii_forms()
print({text!r})
"""


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        pytest.param("utf-8", "─▶ µ", "─▶ µ".encode(), id="what can be written is"),
        pytest.param("iso-8859-1", "─▶ µ", b"-> \xb5", id="a drawing in Latin-1"),
        pytest.param("ascii", "└▶ … ✔", b"+> ... ok", id="a drawing in ASCII"),
        pytest.param("ascii", "é", b"\\xe9", id="a letter without a form is an escape"),
        pytest.param("utf-8", "a\udcff", b"a\xff", id="a byte of a file's name is itself"),
    ],
)
def test_what_cannot_be_encoded_has_an_ascii_form(encoding: str, text: str, written: bytes):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(text=text)],
        env={"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert done.stdout == written + b"\n"


@pytest.mark.parametrize(
    ("env", "written"),
    [
        pytest.param({"LC_ALL": "C"}, b"-> ok", id="the locale C"),
        pytest.param({"LC_ALL": "POSIX"}, b"-> ok", id="the locale POSIX"),
        pytest.param({"PYTHONIOENCODING": "ascii"}, b"-> ok", id="an encoding that is asked for"),
        pytest.param({"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, "─▶ ✔".encode(), id="UTF-8 is"),
        pytest.param({"LC_ALL": "C.UTF-8"}, "─▶ ✔".encode(), id="a locale of UTF-8"),
        pytest.param({}, "─▶ ✔".encode(), id="no locale at all: as Python has it"),
    ],
)
def test_clicks_way_to_the_output_has_them_too(env: dict[str, str], written: bytes):
    """Click takes an output of ASCII for a mistake, and writes UTF-8."""
    program = (
        "import click; from netlab.cli.ascii_forms import use_ascii_forms; use_ascii_forms(); "
        "click.echo('\u2500\u25b6 \u2714')"
    )
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True)
    assert done.stdout == written + b"\n"


def test_every_character_that_netlab_draws_with_has_a_form():
    program = """
import sys
from pathlib import Path
import netlab
from netlab.cli.ascii_forms import _FORMS
text = "".join(p.read_text() for p in Path(netlab.__file__).parent.rglob("*.py"))
print(*sorted({c for c in text if not c.isascii()} - _FORMS.keys()), sep="")
"""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == ""
