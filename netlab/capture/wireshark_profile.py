"""Write a Wireshark profile beside a capture."""

from pathlib import Path

from netlab.capture.wireshark import wireshark_profile
from netlab.errors import HostError


def write_profile(directory: Path) -> None:
    """Write the profile's files to ``directory``, which is made when it is not there.

    Raises:
        HostError: They cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in wireshark_profile().items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise HostError(f"cannot write {directory}: {error.strerror}") from error
