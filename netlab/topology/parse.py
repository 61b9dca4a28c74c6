"""A topology file to its model, or every problem that it has.

Theory of operation
-------------------
The structure of the first document is held against ``TOPOLOGY_SCHEMA``. Then its networks, nodes
and clients are read leniently: what has the wrong type has been reported and counts as left out,
so that one mistake hides no other. Addresses are filled in (``netlab.topology.addressing``) only
when nothing at all is wrong with the document.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Final, cast

from netlab.documents.json_schema import StructureCheck, mapping
from netlab.documents.problems import (
    Document,
    FieldPath,
    Problem,
    Report,
    check_unique,
    invalid,
    nearest,
    refuse,
)
from netlab.documents.yaml_text import read_documents
from netlab.kube.kinds.kind import ClusterContext
from netlab.kube.manifests import check_documents, manifests_of
from netlab.kube.names import wrong_dns_label
from netlab.model.addresses import Family, Network
from netlab.model.topology import (
    API_VERSION,
    KIND,
    Cni,
    ManifestFile,
    Networks,
    Topology,
    TopologyFile,
)
from netlab.topology.addressing import Range, check_overlaps, parse_network
from netlab.topology.families import Asked, ByFamily, read_by_family, read_families
from netlab.topology.hosts import (
    build_clients,
    build_nodes,
    choose_lb_addresses,
    choose_pod_cidrs,
    read_clients,
    read_nodes,
)
from netlab.topology.images import build_images, check_images
from netlab.topology.kube_proxy import build_proxy, check_proxy
from netlab.topology.load_balancer import build_load_balancer, dns_replicas
from netlab.topology.schema import DEFAULT_MTU, DEFAULT_NETWORKS, NETWORK_NAMES, TOPOLOGY_SCHEMA

_OWN: Final = {"nodes": ("the router", "lb"), "clients": ("the router",)}
"""Hosts of netlab's own in each network."""

_SMALLEST_SERVICES_BITS: Final = 4
"""Kubernetes gives cluster DNS the tenth address."""


def parse_topology(text: str | bytes, source: str, *, is_strict: bool = False) -> TopologyFile:
    """Return what a topology file describes, its Kubernetes manifests as they stand.

    Args:
        text: The whole file, YAML; bytes must be UTF-8.
        source: How messages call the file, as a rule its path.
        is_strict: Refuse objects that a lab has no use for, rather than leave them out.

    Raises:
        SpecError: Something is wrong; the message has every problem, one a line, as
            ``source:line: path: what is wrong (hint)``.
    """
    documents, problems = read_documents(text)
    return _topology_file(documents, problems, source, is_strict=is_strict)


def parse_spec(
    text: str | bytes, source: str, *, is_strict: bool = False, is_partial: bool = False
) -> TopologyFile | ManifestFile:
    """Return what a YAML file holds: a topology, or Kubernetes manifests alone.

    With ``is_partial`` a file of manifests whose form is right is never refused whole.

    Raises:
        SpecError: Something is wrong; the message has every problem, one a line.
    """
    documents, problems = read_documents(text)
    if not documents or any(_is_ours(document) for document in documents):
        return _topology_file(documents, problems, source, is_strict=is_strict)
    return manifests_of(documents, problems, source, is_strict=is_strict, is_partial=is_partial)


def _is_ours(document: Document) -> bool:
    fields = mapping(document.value)
    return fields.get("kind") == KIND or str(fields.get("apiVersion")).startswith("netlab/")


def _topology_file(
    documents: Sequence[Document], problems: list[Problem], source: str, *, is_strict: bool
) -> TopologyFile:
    if not documents:
        raise refuse(problems, source)
    report = Report(documents[0])
    fields = mapping(documents[0].value)
    if fields.get("kind") != KIND:
        message = f"the first document must be apiVersion {API_VERSION}, kind {KIND}"
        report.add(("kind",), message, nearest(str(fields.get("kind")), [KIND]))
        raise refuse([*problems, *report.problems], source)
    topology, context = _read_topology(fields, report)
    checked = check_documents(documents[1:], context, is_strict=is_strict)
    problems = [*problems, *report.problems, *checked.problems]
    if problems or topology is None:
        raise refuse(problems, source)
    return TopologyFile(
        topology=topology,
        manifests=checked.manifests,
        left_out=checked.left_out,
        warnings=checked.warnings,
    )


def _read_topology(
    fields: Mapping[str, object], report: Report
) -> tuple[Topology | None, ClusterContext]:
    """Return the topology, None when anything is wrong with it, and what manifests must fit."""
    StructureCheck(report).check(fields, TOPOLOGY_SCHEMA)
    name = _name(fields, report)
    spec = mapping(fields.get("spec"))
    ranges = _read_networks(spec, read_families(spec, report), report)
    nodes = read_nodes(spec, ranges, report)
    clients = read_clients(spec, ranges, report)
    check_unique((((*one.path, "name"), one.name) for one in [*nodes, *clients]), report)
    pod_cidrs = choose_pod_cidrs(nodes, ranges, report)
    check_proxy(spec, report)
    check_images(spec, report)
    context = ClusterContext(
        nodes=tuple(node.name for node in nodes),
        services=tuple(
            by_name["services"].network for by_name in ranges.values() if "services" in by_name
        ),
    )
    if report.problems:
        return None, context
    built = build_nodes(nodes, ranges, pod_cidrs)
    topology = Topology(
        name=name,
        networks=tuple(_networks(by_name) for by_name in ranges.values()),
        nodes=built,
        clients=build_clients(clients, ranges),
        lb=choose_lb_addresses(built, ranges),
        mtu=cast("int", spec.get("mtu", DEFAULT_MTU)),
        cni=Cni(cast("str", spec.get("cni", Cni.PTP))),
        proxy=build_proxy(spec),
        load_balancer=build_load_balancer(spec),
        dns_replicas=dns_replicas(spec),
        images=build_images(spec),
        message=cast("str", spec.get("message", "")),
    )
    return topology, context


def _name(fields: Mapping[str, object], report: Report) -> str:
    name = mapping(fields.get("metadata")).get("name", "topology")
    if not isinstance(name, str):
        return ""
    wrong = wrong_dns_label(name)
    if wrong:
        report.add(("metadata", "name"), invalid(name, wrong))
    return name


def _read_networks(
    spec: Mapping[str, object], families: Sequence[Family], report: Report
) -> dict[Family, dict[str, Range]]:
    """Return the networks that are sound; what is wrong with the others is reported."""
    given = mapping(spec.get("networks"))
    ranges: dict[Family, dict[str, Range]] = {family: {} for family in families}
    for name in NETWORK_NAMES:
        path: FieldPath = ("spec", "networks", name)
        asked: ByFamily[Network]
        asked = read_by_family(given.get(name), path, families, parse_network, report)
        is_sound = name not in given or bool(asked)
        for family in families:
            if is_sound:
                default = Asked(path, ip_network(DEFAULT_NETWORKS[family][name]))
                one = asked.get(family, default)
                own = _OWN.get(name, ())
                ranges[family][name] = Range(name=name, network=one.value, path=one.path, own=own)
    found = [one for by_name in ranges.values() for one in by_name.values()]
    check_overlaps([(one.path, one.network) for one in found], report)
    for services in (one for one in found if one.name == "services"):
        smallest = services.network.max_prefixlen - _SMALLEST_SERVICES_BITS
        if services.network.prefixlen > smallest:
            message = f"{services.network} is too small for the Services of a cluster"
            report.add(services.path, message, f"it must be a /{smallest} or larger")
    return ranges


def _networks(by_name: Mapping[str, Range]) -> Networks:
    return Networks(
        nodes=by_name["nodes"].network,
        pods=by_name["pods"].network,
        services=by_name["services"].network,
        clients=by_name["clients"].network,
        external_ips=by_name["externalIPs"].network,
        vips=by_name["vips"].network,
    )
