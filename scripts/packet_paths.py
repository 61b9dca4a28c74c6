#!/usr/bin/env python3
"""Keep docs/packet-paths.md true: sudo scripts/packet_paths.py [--check]

The page's commands run anew, as those of the README do (readme.py): without --check what they print
is written into the page; with it, what differs is shown and the exit code is 1.
"""

from pathlib import Path

import readme

if __name__ == "__main__":
    readme.main(
        Path(__file__).parents[1] / "docs/packet-paths.md", "Keep docs/packet-paths.md true."
    )
