"""What somebody else did to the hosts of a lab: rules, policies, tables and routes.

Everything that netlab lays is known: rules by what the control plane would load, routes by the
plan. What a host holds beside it was put there by hand, or by another program, and so was what is
missing. Nodes and the router are looked at.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any, Final

from netlab.client.api_client import Client
from netlab.client.rule_differences import read_differences
from netlab.kube.resources import RESOURCES
from netlab.kubelet.container_spec import placement_of
from netlab.linux.netns import inside
from netlab.model import rundir
from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.links import LabState, NetnsState, Route
from netlab.model.status import Foreign
from netlab.netfilter.iptables.differences import Difference, Side
from netlab.netfilter.iptables.rules import TABLE_NAMES
from netlab.plan.build import build_lab
from netlab.render.commands import commands_for
from netlab.topology.parse import parse_topology

_LOOKED_AT: Final = frozenset({HostKind.NODE, HostKind.ROUTER})
_BY_HAND: Final = frozenset({"boot", "static"})
"""Protocols of routes that ``ip route add`` makes, which ``ip`` does not print, and netlab."""
_UP: Final = "sudo netlab up"
"""Lays again what is missing."""
_PROGRAMS: Final = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}


def read_foreign(lab: str, client: Client, hosts: tuple[Host, ...]) -> list[Foreign]:
    """Return what somebody else did to the hosts of a lab.

    Raises:
        LabError: The control plane does not answer.
        KernelError: iptables cannot read the rules.
        HostError: A program is missing.
    """
    state = _planned(lab, client)
    found: list[Foreign] = []
    for host in hosts:
        if host.kind in _LOOKED_AT:
            run = f"sudo netlab exec {host.name} --"
            found += (
                _rule(host.name, one, run)
                for one in read_differences(lab, host.name)
                # The policy that was set instead is told.
                if not (one.only is Side.WANTED and one.text.startswith("-P "))
            )
            found += _routes(host, state.get(host.netns, NetnsState()), run)
    return [replace(one, remove=commands_for(lab, one.remove)) for one in found]


def _planned(lab: str, client: Client) -> LabState:
    text = rundir.topology_file(lab).read_bytes()
    pods = client.list_(RESOURCES["pods"].path())
    topology = parse_topology(text, lab).topology
    return build_lab(lab, topology, filter(None, map(placement_of, pods)))


def _rule(host: str, one: Difference, run: str) -> Foreign:
    """Return a rule that is too much, or is missing, and the command that mends it."""
    is_extra = one.only is Side.KERNEL
    what = one.text if is_extra else f"missing: {one.text}"
    table = f"{one.table}: " if one.chain else ""
    return Foreign(host=host, what=f"{table}{what}", remove=_mending(one, run) or _UP)


def _mending(one: Difference, run: str) -> str:
    table = f"{_PROGRAMS[one.family]} -t {one.table}"
    if not one.chain:
        return f"{run} nft delete {one.text}"
    if one.table not in TABLE_NAMES or one.kind != "chain":
        return ""
    verb, _, rest = one.text.partition(" ")
    match verb, one.only:
        case "-A", Side.KERNEL:
            return f"{run} {table} -D {rest}"
        case "-P", Side.KERNEL:
            return f"{run} {table} -P {one.chain} ACCEPT"
        case _, Side.KERNEL if verb.startswith(":"):
            return f"{run} {table} -X {one.chain}"
        case _:
            return ""


def _routes(host: Host, planned: NetnsState, run: str) -> Iterator[Foreign]:
    """Yield the routes of the main table that somebody added, and those that are gone."""
    wanted = {_key(route): route for route in planned.routes}
    held = set()
    for flag, family in (("-4", Family.IPV4), ("-6", Family.IPV6)):
        for entry in _listed(host, flag):
            key = _entry_key(entry, family)
            held.add(key)
            if entry.get("protocol", "boot") in _BY_HAND and key not in wanted:
                spelt = _spelt(entry)
                yield Foreign(
                    host=host.name,
                    what=f"route {spelt}",
                    remove=f"{run} ip {flag} route del {spelt}",
                )
    for key, route in wanted.items():
        if key not in held:
            what = f"missing: route {route.destination}"
            yield Foreign(host=host.name, what=what, remove=_UP)


def _listed(host: Host, flag: str) -> list[dict[str, Any]]:
    with inside(host.netns):
        done = subprocess.run(
            ["ip", "-j", flag, "route", "show", "table", "main"],
            capture_output=True,
            text=True,
            check=True,
        )
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found


def _key(route: Route) -> tuple[str, str, str]:
    gateway = str(route.gateway) if route.gateway else ""
    several = ",".join(sorted(str(one.gateway) for one in route.nexthops))
    return str(route.destination), gateway or several, "unreachable" * route.is_unreachable


def _entry_key(entry: dict[str, Any], family: Family) -> tuple[str, str, str]:
    everything = "0.0.0.0/0" if family is Family.IPV4 else "::/0"
    destination = everything if entry["dst"] == "default" else str(ip_network(entry["dst"]))
    several = ",".join(sorted(one.get("gateway", "") for one in entry.get("nexthops", ())))
    kind = entry.get("type", "")
    return destination, entry.get("gateway", "") or several, kind if kind != "unicast" else ""


def _spelt(entry: dict[str, Any]) -> str:
    kind = entry.get("type", "unicast")
    words = [kind] if kind != "unicast" else []
    words.append(entry["dst"])
    for word, field in (("via", "gateway"), ("dev", "dev"), ("metric", "metric")):
        if field in entry and not (kind != "unicast" and field == "dev"):
            words += [word, str(entry[field])]
    return " ".join(words)
