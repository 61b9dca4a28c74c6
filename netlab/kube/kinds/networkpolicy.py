"""NetworkPolicy: stored; nothing in a lab filters by it.

Source: Kubernetes, ``pkg/apis/networking/validation`` (ValidateNetworkPolicy).
"""

from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_required
from netlab.kube.kinds.columns import AGE, NAME, column, label_selector
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.label_selector import check_label_selector
from netlab.kube.metadata import PROTOCOLS, check_choice, check_port, check_port_or_name, items_of
from netlab.kube.objects import Object, spec_of
from netlab.kube.resource import Resource
from netlab.model.addresses import Network, parse_cidr

_TYPES: Final = ("Egress", "Ingress")
_NO_CIDR: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    spec, inside = mapping(obj.get("spec")), (*path, "spec")
    check_label_selector(spec.get("podSelector"), (*inside, "podSelector"), report)
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for at, rule in items_of(spec, direction, inside):
            for where, port in items_of(rule, "ports", at):
                _check_port(port, where, report)
            for where, peer in items_of(rule, peers, at):
                _check_peer(peer, where, report)
    types = entries(spec.get("policyTypes"))
    if len(types) > len(_TYPES):
        why = "may not specify more than two policyTypes"
        report.add((*inside, "policyTypes"), invalid(types, why))
    for index, one in enumerate(types[:2]):
        check_choice(one or "<none>", _TYPES, (*inside, "policyTypes", index), report)


def _check_port(port: Object, path: FieldPath, report: Report) -> None:
    check_choice(port.get("protocol"), PROTOCOLS, (*path, "protocol"), report)
    first, last = port.get("port"), port.get("endPort")
    check_port_or_name(first, (*path, "port"), report)
    if last is None:
        return
    why = ""
    if first is None:
        why = "may not be specified when `port` is not specified"
    elif isinstance(first, str):
        why = "may not be specified when `port` is non-numeric"
    elif isinstance(first, int) and isinstance(last, int) and last < first:
        why = "must be greater than or equal to `port`"
    if why:
        report.add((*path, "endPort"), invalid(last, why))
    check_port(last, (*path, "endPort"), report)


def _check_peer(peer: Object, path: FieldPath, report: Report) -> None:
    selectors = [one for one in ("podSelector", "namespaceSelector") if peer.get(one) is not None]
    for field in selectors:
        check_label_selector(peer[field], (*path, field), report)
    if peer.get("ipBlock") is None:
        if not selectors:
            report.add(path, "Required value: must specify a peer")
        return
    if selectors:
        report.add(path, "Forbidden: may not specify both ipBlock and another peer")
    _check_block(mapping(peer["ipBlock"]), (*path, "ipBlock"), report)


def _check_block(block: Object, path: FieldPath, report: Report) -> None:
    if not check_required(block, "cidr", path, report):
        return
    whole = parse_cidr(block["cidr"])
    if whole is None:
        report.add((*path, "cidr"), invalid(block["cidr"], _NO_CIDR))
    for index, text in enumerate(entries(block.get("except"))):
        part = parse_cidr(text)
        if part is None:
            report.add((*path, "except", index), invalid(text, _NO_CIDR))
        elif whole is not None and not _is_within(part, whole):
            why = "must be a strict subset of `cidr`"
            report.add((*path, "except", index), invalid(text, why))


def _is_within(part: Network, whole: Network) -> bool:
    return part.network_address in whole and part.prefixlen > whole.prefixlen


def _with_defaults(obj: Object) -> Object:
    spec = spec_of(obj)
    types = ["Ingress", "Egress"] if spec.get("egress") is not None else ["Ingress"]
    spec = filled(spec, {"podSelector": {}})
    return {**obj, "spec": {**spec, "policyTypes": spec.get("policyTypes") or types}}


KIND: Final = Kind(
    resource=Resource(
        kind="NetworkPolicy",
        plural="networkpolicies",
        group="networking.k8s.io",
        short_names=("netpol",),
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Pod-Selector", lambda obj: label_selector(spec_of(obj).get("podSelector") or {})),
        AGE,
    ),
    with_defaults=_with_defaults,
    validate=_validate,
    is_only_stored=True,
)
