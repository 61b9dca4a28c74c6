"""Write docs/fields.md: the fields of Kubernetes objects that nothing in a lab acts on."""

from pathlib import Path

from netlab.kube.ignored_fields import IGNORED
from netlab.kube.kinds.table import KINDS

PAGE = Path(__file__).parents[1] / "docs" / "fields.md"

HEAD = """# What a lab does not act on

netlab takes Kubernetes objects as they are and acts on the fields that decide what runs and where
packets go. What is right and has no effect is told by `validate`, `apply` and `up`, a line each:

```console
$ netlab validate pod.yaml
Warning: Pod web: spec.containers[0].imagePullPolicy: a lab pulls no images
pod.yaml: 1 Pod
```

This page is written by `python scripts/ignored_fields.py`, from the table that the program uses.
"""


def page() -> str:
    """Return the whole page."""
    stored = ", ".join(sorted(kind.resource.kind for kind in KINDS if kind.is_only_stored))
    parts = [HEAD, "## Kinds that are stored and served, and no more\n", f"{stored}.\n"]
    for definition, fields in IGNORED.items():
        rows = [f"| `{field}` | {why} |" for field, why in fields.items()]
        parts += [f"## {definition}\n", "| field | why |\n| --- | --- |", "\n".join(rows) + "\n"]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
