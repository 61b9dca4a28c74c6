"""What ``up`` would do for each built-in topology, held against ``tests/golden/topologies``.

``NETLAB_UPDATE_GOLDEN=1 pytest tests/unit/lab/test_dry_run.py`` writes the text anew; read the
difference.
"""

import os
import re
from pathlib import Path
from typing import Final

import pytest

from netlab.errors import SpecError
from netlab.lab.dry_run import commands
from netlab.lab.topologies import builtin_names, read_topology
from netlab.topology.parse import parse_topology

GOLDEN: Final = Path(__file__).parents[2] / "golden" / "topologies"
RESTORE: Final = re.compile(
    r"ip netns exec netlab-default-(\S+) (iptables|nft)\S* [^<]*<<'NETLAB'\n(.*)NETLAB\Z",
    re.DOTALL,
)


def texts(name: str) -> dict[str, str]:
    """Return each golden file's name and what it must hold."""
    found = {"plan.txt": ""}
    for line in commands("default", parse_topology(*read_topology(name))):
        rules = RESTORE.match(line)
        if rules:
            found[f"{rules[1]}.{rules[2]}"] = rules[3]
        else:
            found["plan.txt"] += f"{line}\n"
    return found


@pytest.mark.parametrize("name", builtin_names())
def test_a_built_in_topology_is_built_as_before(name: str):
    directory = GOLDEN / name
    found = texts(name)
    if os.environ.get("NETLAB_UPDATE_GOLDEN"):
        directory.mkdir(parents=True, exist_ok=True)
        for path in directory.iterdir():
            path.unlink()
        for file, text in found.items():
            (directory / file).write_text(text)
    assert {path.name: path.read_text() for path in directory.iterdir()} == found


def test_the_same_is_chosen_on_every_run():
    assert texts("connect-applications") == texts("connect-applications")


def test_an_object_that_no_lab_can_take_is_refused():
    text = "apiVersion: netlab/v1\nkind: Topology\n---\napiVersion: v1\nkind: Service\n"
    text += "metadata: {name: web, namespace: nowhere}\nspec: {ports: [{port: 80}]}\n"
    file = parse_topology(text, "any.yaml")
    with pytest.raises(SpecError, match='namespaces "nowhere" not found'):
        list(commands("default", file))
