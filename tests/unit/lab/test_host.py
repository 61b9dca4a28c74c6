import os
import subprocess
import sys

import pytest

PROGRAM = (
    "import os, sys\n"
    "from netlab.errors import HostError\n"
    "from netlab.lab.host import require_root\n"
    "os.geteuid() or os.setuid(65534)\n"
    "sys.argv = ['netlab', 'up', 'my lab.yaml']\n"
    "try:\n"
    "    require_root()\n"
    "except HostError as error:\n"
    "    print(error, error.hint, sep='\\n')\n"
)


def test_a_plain_user_is_told_what_to_type():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "network namespaces need root",
        "type: sudo netlab up 'my lab.yaml'",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="for root")
def test_root_may_go_on():
    from netlab.lab.host import require_root

    assert require_root() is None
