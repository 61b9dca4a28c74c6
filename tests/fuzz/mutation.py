"""Values that are almost right: an object with one field or a few that nobody expects.

Mutation knows the structure. It puts odd values where strings, numbers, addresses and lists are,
and fills in fields that the schema has and the object has not, with values of their type.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from random import Random  # noqa: TID251 (seeded by the run)
from typing import Any, Final

from netlab.kube.schema import definition_of, definitions

TEXTS: Final = (
    *("", "x", "A", "a b", "a\nb", "-", "..", "/", "a/b/c", "%s", "x" * 64, "x" * 300, "\u202e"),
    *("10.0.0.1", "10.0.0.300", "010.0.0.9", "127.0.0.1", "224.0.0.1", "fd00::1", "::", "é"),
    *("fd00::1%eth0", "fd00::1%\n-A INPUT -j DROP", "::ffff:10.0.0.1", "None", "10.9.0.0/16"),
    *("1.2.3.0/255.255.255.0", "0.0.0.0/0", "::/0", "10.9.0.1/16", "25%", "101%", "1.5%", "-1"),
    *("100m", "64Mi", "1e400", "9" * 400, "IPv4", "IPv6", "TCP", "UDP", "SCTP", "Local", "inf"),
    *("NodePort", "LoadBalancer", "ExternalName", "ClientIP", "Recreate", "RollingUpdate"),
    *('"', "'; rm -rf /", "$(id)", "web", "default", "kube-system", "node1", "http", "\ud800"),
    *("Never", "Cluster"),
)
NUMBERS: Final = (
    *(-1, 0, 1, 2, 80, 443, 8080, 30000, 30080, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31),
    *(2**63 - 1, 2**63, -(2**63), 10**30, 0.5, 1e300),
)
OTHERS: Final = (None, True, False, [], {}, [None], {"": ""}, {"a": None}, [[]], [{}], {"a": {}})

_DEPTH: Final = 4

Path = tuple[str | int, ...]


def mutated(random: Random, obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of an object with one to four changes."""
    changed: dict[str, Any] = copy.deepcopy(dict(obj))
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        _change(random, changed)
    return changed


def odd(random: Random) -> Any:  # noqa: ANN401 (any JSON value)
    """Return a value that is seldom right."""
    kind: Sequence[Any] = random.choice((TEXTS, TEXTS, NUMBERS, OTHERS))
    return copy.deepcopy(random.choice(kind))


def _change(random: Random, obj: dict[str, Any]) -> None:
    paths = [path for path in _paths(obj) if path and path[0] not in {"apiVersion", "kind"}]
    if not paths or random.random() < 0.25:
        _fill_in(random, obj)
        return
    path = random.choice(paths)
    at = _at(obj, path[:-1])
    last = path[-1]
    match random.randrange(6):
        case 0:
            del at[last]
        case 1:
            at[last] = [at[last], copy.deepcopy(at[last])]
        case 2 if isinstance(at, list):
            at.append(copy.deepcopy(at[last]))
        case 3 if isinstance(at, dict):
            at[random.choice(TEXTS)] = at.pop(last)
        case 4:
            at[last] = copy.deepcopy(_at(obj, random.choice(paths)))
        case _:
            at[last] = odd(random)


def _fill_in(random: Random, obj: dict[str, Any]) -> None:
    """Give the object a field that its schema has, somewhere down to some depth."""
    schema = definition_of(str(obj.get("apiVersion")), str(obj.get("kind")))
    at: Any = obj
    for _ in range(_DEPTH):
        schema = _resolved(schema or {})
        known = schema.get("properties")
        if not isinstance(known, Mapping) or not known or not isinstance(at, dict):
            return
        field = random.choice(sorted(set(known) - {"apiVersion", "kind"}) or ["x"])
        inner = _resolved(known.get(field, {}))
        if isinstance(at.get(field), dict) and random.random() < 0.8:
            at, schema = at[field], inner
            continue
        if isinstance(at.get(field), list) and at[field] and random.random() < 0.8:
            at, schema = random.choice(at[field]), _resolved(inner.get("items", {}))
            continue
        at[field] = _value(random, inner, _DEPTH)
        return


def _value(random: Random, schema: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401
    """Return a value of the schema's type, or an odd one."""
    schema = _resolved(schema)
    if depth == 0 or random.random() < 0.15:
        return odd(random)
    if schema.get("type") == "array":
        inner = schema.get("items", {})
        return [_value(random, inner, depth - 1) for _ in range(random.randrange(3))]
    if schema.get("type") == "object":
        return _mapping(random, schema, depth)
    plain = {
        "string": random.choice(TEXTS),
        "integer": random.choice(NUMBERS),
        "number": random.choice(NUMBERS),
        "boolean": random.random() < 0.5,
    }
    return plain.get(str(schema.get("type")), odd(random))


def _mapping(random: Random, schema: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401
    others, known = schema.get("additionalProperties"), schema.get("properties")
    if isinstance(others, Mapping):
        return {random.choice(TEXTS): _value(random, others, depth - 1)}
    if not isinstance(known, Mapping):
        return odd(random)
    chosen = random.sample(sorted(known), min(len(known), random.randrange(4)))
    return {one: _value(random, known[one], depth - 1) for one in chosen}


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return definitions()[reference.rpartition("/")[2]] if isinstance(reference, str) else schema


def _paths(value: object, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _paths(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))


def _at(value: Any, path: Path) -> Any:  # noqa: ANN401
    for part in path:
        value = value[part]
    return value
