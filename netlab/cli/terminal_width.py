"""How wide text may be: as the terminal is, within reason."""

import os
import shutil
import sys
from typing import Final

NARROWEST: Final = 80
WIDEST: Final = 200
"""A line that is longer is hard to read."""


def text_width() -> int:
    """Return the columns that drawings and sentences keep to."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((NARROWEST, 24)).columns))


def line_width() -> int | None:
    """Return the same for what is read line by line, and None where grep or a file reads it."""
    return text_width() if sys.stdout.isatty() or "COLUMNS" in os.environ else None
