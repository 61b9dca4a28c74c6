"""What a body of JSON is read as."""

from netlab.apiserver.bodies import JSON, decode
from netlab.kube.objects import Key
from netlab.kube.unreadable import UnreadableObjects


def test_half_a_pair_of_surrogates_is_replaced_and_a_whole_one_is_a_character():
    found = decode(rb'{"a": "\ud800x", "\udfff": "\ud83d\ude00", "n": 1.5}', JSON)
    assert found == {"a": "\ufffdx", "\ufffd": "\N{GRINNING FACE}", "n": 1.5}


def test_a_container_that_is_looked_for_in_vain_makes_its_pod_unreadable():
    unreadable = UnreadableObjects()
    assert unreadable.read(Key("pods", "default", "web"), lambda: next(iter(()))) is None
    assert list(unreadable.reasons()) == [Key("pods", "default", "web")]
