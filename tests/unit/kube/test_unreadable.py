"""Objects that cannot be read are left out, by name."""

import pytest

from netlab.errors import SpecError
from netlab.kube.objects import Key
from netlab.kube.unreadable import UnreadableObjects

WEB = Key("services", "default", "web")
NODE = Key("nodes", "", "node1")


def raising(error: Exception) -> object:
    raise error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KeyError("spec"), "KeyError: 'spec'"),
        (ValueError("'x' is no address"), "ValueError: 'x' is no address"),
        (SpecError("no such protocol"), "no such protocol"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_reason(error: Exception, why: str):
    unreadable = UnreadableObjects()
    assert unreadable.read(WEB, lambda: raising(error)) is None
    assert unreadable.read(NODE, lambda: 1) == 1
    assert unreadable.reasons() == {WEB: why}


def test_what_can_be_read_again_or_is_gone_is_no_problem_any_more():
    unreadable = UnreadableObjects()
    for key in (WEB, NODE):
        unreadable.read(key, lambda: raising(KeyError("spec")))
    assert unreadable.read(WEB, lambda: "fine") == "fine"
    assert list(unreadable.reasons()) == [NODE]
    unreadable.keep([WEB])
    assert unreadable.reasons() == {}


def test_a_fault_of_netlabs_is_not_hidden():
    with pytest.raises(RuntimeError):
        UnreadableObjects().read(WEB, lambda: raising(RuntimeError("a bug")))
