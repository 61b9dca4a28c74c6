"""A table of objects as bytes acts as a dictionary does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.apiserver.packed_objects import PackedObjects
from netlab.kube.objects import Key

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def key(name: str) -> Key:
    return Key("events", "default", name)


@given(st.lists(st.tuples(NAMES, st.none() | st.dictionaries(st.text(), VALUES))))
def test_it_holds_what_a_dictionary_holds(changes: list[tuple[str, dict[str, object] | None]]):
    packed, plain = PackedObjects(), dict[Key, dict[str, object]]()
    for name, obj in changes:
        for table in (packed, plain):
            if obj is None:
                table.pop(key(name), None)
            else:
                table[key(name)] = obj
    assert dict(packed) == plain
    assert list(packed) == list(plain)
    assert len(packed) == len(plain)


def test_what_is_read_is_a_copy():
    packed = PackedObjects()
    packed[key("a")] = {"count": 1}
    packed[key("a")]["count"] = 2
    assert packed[key("a")] == {"count": 1}
    with pytest.raises(KeyError):
        packed[key("b")]
