"""What mutated input is given to, and what must hold of the answer.

A topology or a manifest is read or refused in sentences. A request to the API is answered below
500, after it the controllers come to rest and leave nothing out, and the rules of every node are
ones that netlab's own reader reads back as they were written.
"""

import asyncio
import copy
import json
from collections import Counter
from random import Random  # noqa: TID251 (seeded by the run)
from typing import Any, Final

import yaml
from aiohttp.test_utils import TestClient, TestServer

from netlab.apiserver.bootstrap import bootstrap
from netlab.apiserver.server import build_app
from netlab.apiserver.store import Store
from netlab.controllers.reconcile import Reconciler
from netlab.errors import NetlabError
from netlab.kube.manifests import parse_manifests
from netlab.kube.resources import RESOURCES
from netlab.kubelet.node_status import store_nodes
from netlab.kubeproxy.desired import desired_rules
from netlab.netfilter.iptables.canonical import normalise
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.render import render
from netlab.topology.parse import parse_spec, parse_topology
from tests.fuzz.bad_objects import bad_objects
from tests.fuzz.corpus import OBJECTS, topologies
from tests.fuzz.found import FoundError
from tests.fuzz.mutation import mutated, odd

NOW: Final = 1_800_000_000.0
STEPS: Final = 200
"""Calls of the controllers after which they must have come to rest."""

_LAB: Final = parse_topology(
    "apiVersion: netlab/v1\nkind: Topology\nspec: {nodes: 2, ipFamilies: [IPv4, IPv6]}\n", "lab"
).topology
_PATCHES: Final = (
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/json-patch+json",
    "application/apply-patch+yaml",
)
_FORMS: Final = (
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
)
_QUERIES: Final = (
    *("", "?limit=1", "?limit=x", "?labelSelector=a in (b", "?fieldSelector=a", "?dryRun=All"),
    *("?resourceVersion=x", f"?resourceVersion={'9' * 5000}", "?fieldValidation=Strict"),
    *("?fieldManager=a&force=true", "?gracePeriodSeconds=-1", "?continue=%00", "?watch=false"),
)


def topology_text(random: Random, counts: Counter[str]) -> None:
    """Read a topology file with something odd in it."""
    documents = [dict(one) for one in random.choice(topologies())]
    place = random.randrange(len(documents))
    documents[place] = mutated(random, documents[place])
    text = yaml.safe_dump_all(documents, allow_unicode=True)
    try:
        parse_spec(text, "lab.yaml")
        counts["accepted"] += 1
    except NetlabError as error:
        _is_a_sentence(str(error), text)
        counts["refused"] += 1
    except Exception as error:
        raise FoundError(f"{error!r} for\n{text}") from error


def manifest_text(random: Random, counts: Counter[str]) -> None:
    """Read a manifest with something odd in it."""
    text = yaml.safe_dump(mutated(random, random.choice(OBJECTS)))
    try:
        parse_manifests(text, "m.yaml")
        counts["accepted"] += 1
    except NetlabError as error:
        _is_a_sentence(str(error), text)
        counts["refused"] += 1
    except Exception as error:
        raise FoundError(f"{error!r} for\n{text}") from error


class Api:
    """A lab's objects, served, with their controllers."""

    def __init__(self, random: Random, counts: Counter[str]) -> None:
        self._random = random
        self._counts = counts
        self._made: list[tuple[str, dict[str, Any]]] = []
        self.store = Store(None, clock=lambda: NOW, random=Random(1))  # noqa: S311
        bootstrap(self.store, _LAB.service_networks)
        store_nodes(self.store, _LAB, NOW)
        self.reconciler = Reconciler(self.store)
        self.reconciler.settle(NOW)

    async def run(self, requests: int) -> None:
        """Send requests, and look at what has become of the lab after each.

        Raises:
            FoundError: A law does not hold.
        """
        app = build_app(self.store, clock=lambda: NOW, changed=lambda: None)
        async with TestClient(TestServer(app)) as client:
            for _ in range(requests):
                method, path, headers, body = self._request()
                async with asyncio.timeout(20):
                    async with client.request(method, path, headers=headers, data=body) as answer:
                        text = await answer.text()
                sent = f"{method} {path} {headers} {body!r}"
                if answer.status >= 500:
                    raise FoundError(f"{answer.status} {text[:500]} for\n{sent}")
                self._counts["accepted" if answer.status < 300 else "refused"] += 1
                self._look(sent)

    def _request(self) -> tuple[str, str, dict[str, str], bytes]:
        random = self._random
        json_type = {"Content-Type": "application/json"}
        if random.random() < 0.4 or not self._made:
            obj = copy.deepcopy(random.choice(OBJECTS))
            name = obj["metadata"]["name"] = f"web-{len(self._made)}"
            resource = next(one for one in RESOURCES.values() if one.kind == obj["kind"])
            space = "default" if resource.namespaced else ""
            self._made.append((resource.path(space, name), obj))
            sent = obj if random.random() < 0.5 else mutated(random, obj)
            path = resource.path(space) + random.choice(("", random.choice(_QUERIES)))
            return "POST", path, json_type, _json(sent)
        path, before = random.choice(self._made[-30:])
        path += random.choice(("", "", "/status", "/scale", "/eviction", "/x"))
        match random.randrange(5):
            case 0:
                return (
                    "PUT",
                    path + random.choice(_QUERIES),
                    json_type,
                    _json(mutated(random, before)),
                )
            case 1:
                options = {"propagationPolicy": odd(random), "preconditions": odd(random)}
                return "DELETE", path + random.choice(_QUERIES), json_type, _json(options)
            case 2:
                where = random.choice((path, path.rpartition("/")[0]))
                accept = {"Accept": random.choice(_FORMS)}
                return "GET", where + random.choice(_QUERIES), accept, b""
            case _:
                kind = random.choice(_PATCHES)
                change: Any = mutated(random, before)
                if kind == _PATCHES[2]:
                    where = random.choice(("/spec/replicas", "/metadata/labels", "/status", "/x/y"))
                    operation = random.choice(("add", "replace", "remove", "test", "move", "x"))
                    change = [{"op": operation, "path": where, "value": odd(random)}]
                return "PATCH", path + "?fieldManager=f", {"Content-Type": kind}, _json(change)

    def _look(self, sent: str) -> None:
        for _ in range(STEPS):
            wake = self.reconciler.reconcile(NOW)
            if wake is None or wake > NOW:
                break
        else:
            raise FoundError(f"the controllers do not come to rest after\n{sent}")
        if self.reconciler.problems:
            raise FoundError(f"{self.reconciler.problems} after\n{sent}")

    def check_rules(self) -> None:
        """Write the rules of all nodes, and read them back.

        Raises:
            FoundError: What is read is not what was written.
        """
        for place, rules in desired_rules("fuzz", _LAB, self.store).items():
            text = render(rules.iptables)
            if parse(text, place.family) != normalise(rules.iptables):
                raise FoundError(f"rules of {place} are read otherwise than written:\n{text}")


def api(random: Random, counts: Counter[str]) -> None:
    """Send some requests to a new lab."""
    lab = Api(random, counts)
    asyncio.run(lab.run(40))
    lab.check_rules()


TARGETS: Final = {
    "topologies": topology_text,
    "manifests": manifest_text,
    "API": api,
    "bad objects": bad_objects,
}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _is_a_sentence(text: str, given: str) -> None:
    if not all(line.isprintable() for line in text.split("\n")) or not text:
        raise FoundError(f"not printable: {text!r} for\n{given}")
