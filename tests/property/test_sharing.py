"""Objects that share parts read as if they did not."""

import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from netlab.apiserver.sharing import sharing

LEAVES = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "b"])
FIELDS = st.sampled_from(["name", "ip", "spec", "ports"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner), max_leaves=9
)
OBJECTS = st.dictionaries(FIELDS, VALUES)


@given(OBJECTS, OBJECTS)
def test_an_object_that_shares_parts_is_the_same_json(new: dict, stored: dict):
    before = copy.deepcopy((new, stored))
    assert json.dumps(sharing(new, stored)) == json.dumps(new)
    assert (new, stored) == before


@given(OBJECTS)
def test_an_object_that_is_there_already_is_that_one(stored: dict):
    assert sharing(copy.deepcopy(stored), stored) is stored


def test_an_address_is_shared_wherever_it_stands_among_the_others():
    stored = {"addresses": [{"ip": "10.244.1.2", "nodeName": "node1"}]}
    new = {"addresses": [{"ip": "10.244.1.1"}, {"ip": "10.244.1.2", "nodeName": "node1"}]}
    shared = sharing(new, stored)
    assert shared == new
    assert shared["addresses"][1] is stored["addresses"][0]
