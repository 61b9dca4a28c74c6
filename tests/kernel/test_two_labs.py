"""Labs with the same addresses live side by side."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.kernel.conftest import Lab, traces

pytestmark = pytest.mark.kernel

URL = "http://10.240.0.4:30080"


@pytest.fixture
def both(make_lab: Callable[[], Lab]) -> Iterator[tuple[Lab, Lab]]:
    labs = make_lab(), make_lab()
    for lab in labs:
        lab.up()
    yield labs
    for lab in labs:
        lab.down()


def test_both_answer_and_down_of_one_leaves_the_other(both: tuple[Lab, Lab]):
    first, second = both
    for lab in both:
        answer = lab.fetch("client", URL, "-H", f"X-Lab: {lab.name}")
        assert f"x-lab={lab.name}" in answer
    listed = first.run("list")
    assert listed.returncode == 0, listed.stderr
    assert {first.name, second.name} <= set(listed.stdout.split())
    kept = traces({second.name})
    first.down()
    assert traces({second.name}) == kept
    assert "CLIENT VALUES" in second.fetch("client", URL)
    assert second.status()["state"] == "up"


def test_one_lab_sees_nothing_of_the_other(both: tuple[Lab, Lab]):
    first, second = both
    patch = '{"spec":{"externalTrafficPolicy":"Local"}}'
    assert first.run("patch", "svc", "web", "-p", patch).returncode == 0
    assert second.get("svc", "web")["spec"]["externalTrafficPolicy"] == "Cluster"
    assert "client_address=10.240.0.4" in second.fetch("client", URL)


def test_a_lab_whose_name_begins_as_anothers_is_another(make_lab: Callable[[], Lab]):
    short = make_lab()
    long = make_lab()
    long.name = f"{short.name}9"
    try:
        long.up()
        assert f"there is no lab {short.name}; nothing to remove" in short.down()
        assert "CLIENT VALUES" in long.fetch("client", URL)
    finally:
        long.down()


ALONE = ["unshare", "--mount", "--propagation=slave", "--pid", "--fork", "--mount-proc"]
"""In there no process, and after a mount on /run no namespace, of another lab is in sight."""
REMOVE_ALL = """
mount -t tmpfs none /run
"$@" up two-nodes --lab one && "$@" up two-nodes --lab two && "$@" down --all
"$@" list
"$@" down --all
ls -A /run/netns /run/netlab
"""


def test_down_of_all_removes_each_and_says_so():
    netlab = Lab("unused").command()
    done = subprocess.run(
        [*ALONE, "bash", "-c", REMOVE_ALL, "-", *netlab],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines if " is down" in line] == [
        "lab one is down",
        "lab two is down",
    ], done.stderr
    assert lines.count("there is no lab on this machine; build one: sudo netlab up") == 1
    assert lines.count("there is no lab on this machine") == 1
    assert lines[-1] == "/run/netns:"
