"""Objects, and what ``nft -a list table`` printed once the text for them was loaded."""

from pathlib import Path

_GOLDEN = Path(__file__).parents[3] / "golden/kubeproxy/listing"
OBJECTS = (_GOLDEN / "objects.yaml").read_text("utf-8")
LISTING = (_GOLDEN / "nft-a-list-table.txt").read_text("utf-8")
