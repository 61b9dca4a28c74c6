"""Which function of the kernel an address lies in.

``/proc/kallsyms`` has some hundred thousand lines and takes a tenth of a second to read; it is read
when the first address is asked for.
"""

from bisect import bisect_right
from pathlib import Path
from typing import Final

SYMBOLS: Final = Path("/proc/kallsyms")
_CODE: Final = b"tTwW"


class KernelSymbols:
    """Names of functions.

    Args:
        path: A file in the form of ``/proc/kallsyms``.
    """

    def __init__(self, path: Path = SYMBOLS) -> None:
        self._path = path
        self._known: tuple[list[bytes], list[bytes]] | None = None

    def name_of(self, address: int) -> str:
        """Return the function's name; empty where the kernel keeps its addresses to itself.

        What a compiler appends to the name of a copy (``.constprop.0``, ``.isra.0``) is left out.
        """
        if self._known is None:
            self._known = self._read()
        addresses, names = self._known
        # Sixteen hexadecimal digits sort as the numbers do.
        at = bisect_right(addresses, f"{address:016x}".encode()) - 1
        return names[at].decode().partition(".")[0] if at >= 0 else ""

    def are_hidden(self) -> bool:
        """Return whether the kernel keeps its addresses to itself: ``kernel.kptr_restrict``."""
        if self._known is None:
            self._known = self._read()
        return not self._known[0]

    def _read(self) -> tuple[list[bytes], list[bytes]]:
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError:
            # A kernel without CONFIG_KALLSYMS: reasons are shown without functions.
            return [], []
        code = sorted(line for line in lines if line[17:18] in _CODE)
        # With kptr_restrict every address is 0.
        if code and not int(code[-1][:16], 16):
            return [], []
        return [line[:16] for line in code], [line[19:].split(b"\t")[0] for line in code]
