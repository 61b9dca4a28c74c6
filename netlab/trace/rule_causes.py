"""Why a rule refused a packet: what it is for, and whose it is."""

from netlab.client.cluster import ServicePort
from netlab.kubeproxy.nftables.static import ENDPOINT_CHECKS, REJECT_CHAIN
from netlab.loadbalancer.rules import NO_SERVICE_HAS_PORT
from netlab.model.addresses import family_of
from netlab.model.packets import AddrPort
from netlab.netfilter.nftables.families import ip
from netlab.netfilter.nftables.table import TABLE
from netlab.trace.cause import Cause, pair_at_end, shown_rule
from netlab.trace.packet import Packet, Result, RuleHit, Verdict
from netlab.trace.question import Question

_NOT_ACCEPTED = " traffic not accepted by KUBE-FW-"
"""What kube-proxy says of a packet that is from none of a Service's loadBalancerSourceRanges."""


def by_rule(verdict: Verdict, hit: RuleHit, packet: Packet, question: Question) -> Cause:
    """Explain a packet that a rule or a policy dropped or rejected."""
    if hit.table == TABLE:
        return _by_table(verdict, hit, packet, question)
    kube_proxys = _by_comment(verdict, hit, packet, question)
    if kube_proxys is not None:
        return kube_proxys
    if hit.is_policy:
        return Cause(
            f"no rule of {hit.chain} accepted it, and the policy of that chain is"
            f" {hit.verdict or 'DROP'}",
            shown_rule(verdict.host, hit, question),
        )
    return Cause(
        f"that rule matches it: {hit.text}"
        if hit.text
        else f"a rule that is not netlab's, in table {hit.table}, refuses it",
        shown_rule(verdict.host, hit, question),
    )


def _by_comment(verdict: Verdict, hit: RuleHit, packet: Packet, question: Question) -> Cause | None:
    """Explain a rule of netlab's in iptables: its comment says what it is for."""
    if "has no local endpoints" in hit.comment:
        return _local_policy(verdict, hit, packet, question)
    if "has no endpoints" in hit.comment:
        return _no_endpoints(hit, question)
    if _NOT_ACCEPTED in hit.comment:
        return _source_ranges(hit.comment.partition(_NOT_ACCEPTED)[0], packet, question)
    if NO_SERVICE_HAS_PORT in hit.comment:
        return _not_balanced(hit, packet, question)
    if "block incoming localnet" in hit.comment:
        return Cause(
            "loopback addresses may be called from the node itself only",
            shown_rule(verdict.host, hit, question),
        )
    return None


def service_name(key: str) -> str:
    """Return the Service of a Service port's name: ``default/web`` of ``default/web:http``."""
    return key.partition(":")[0]


def get_service(key: str, question: Question, options: str = "") -> str:
    """Return a command that shows a Service."""
    name = service_name(key)
    space, _, short = name.partition("/")
    namespace = "" if space == "default" else f" -n {space}"
    return f"{question.netlab('get')} service {short}{namespace}{options}"


def _by_table(verdict: Verdict, hit: RuleHit, packet: Packet, question: Question) -> Cause:
    """Explain a rule of kube-proxy's nftables table: its chain says what it is for."""
    if hit.service and hit.chain == REJECT_CHAIN:
        return _no_endpoints(hit, question)
    if hit.service and hit.chain in ENDPOINT_CHECKS:
        return _local_policy(verdict, hit, packet, question)
    if hit.service:
        return _source_ranges(hit.service, packet, question)
    if verdict.result is Result.REJECTED:
        return _cluster_ip_only(verdict.host, packet, question)
    listed = f"{ip(family_of(question.pair.destination.address))} {TABLE} {hit.chain}"
    return Cause(
        hit.comment or f"chain {hit.chain} of kube-proxy's table refuses it",
        question.inside(verdict.host, f"nft list chain {listed}"),
    )


def _source_ranges(key: str, packet: Packet, question: Question) -> Cause:
    source = (pair_at_end(packet) or question.pair).source.address
    return Cause(
        f"loadBalancerSourceRanges of Service {key} do not hold the packet's source, {source}",
        get_service(key, question, " -o yaml"),
    )


def _cluster_ip_only(host: str, packet: Packet, question: Question) -> Cause:
    to = (pair_at_end(packet) or question.pair).destination
    ports = question.services_at(to.address)
    if not ports:
        return Cause(f"no Service has {to.address}", f"{question.netlab('get')} services -A")
    refused = f"kube-proxy on {host} rejects everything to a ClusterIP but the ports of its Service"
    return _none_of_its_ports(ports, to, question, refused)


def _not_balanced(hit: RuleHit, packet: Packet, question: Question) -> Cause:
    """Explain what the load balancer refuses at an address that it has for a Service."""
    to = (pair_at_end(packet) or question.pair).destination
    ports = [port for port in question.ports if to.address in port.balancer_addresses]
    if not ports:
        return Cause(hit.comment, f"{question.netlab('get')} services -A")
    refused = (
        "the load balancer refuses everything to an address of its own but the ports of the Service"
    )
    return _none_of_its_ports(ports, to, question, refused)


def _none_of_its_ports(
    ports: list[ServicePort], to: AddrPort, question: Question, refused: str
) -> Cause:
    """Explain a call of a Service's address by what is none of its ports.

    Args:
        ports: The Service's.
        to: What was called.
        question: What was tried.
        refused: What is said of a ping.
    """
    name, listed = service_name(ports[0].key), ports_in_words(ports)
    if question.protocol == "ICMP":
        why = f"{refused} ({listed}); a ping has no port"
    else:
        why = f"Service {name} has {listed} only, not {to.port}/{question.protocol}"
    return Cause(why, get_service(name, question))


def ports_in_words(ports: list[ServicePort]) -> str:
    """Return Service ports as ``kubectl get`` lists them: ``53/UDP, 53/TCP``."""
    return ", ".join(f"{port.port}/{port.protocol}" for port in ports)


def endpoints_listed(key: str, question: Question) -> str:
    """Return a command that lists what a Service's endpoints are made from."""
    space = service_name(key).partition("/")[0]
    namespace = "" if space == "default" else f" -n {space}"
    return f"{question.netlab('get')} pods,endpointslices -o wide{namespace}"


def _no_endpoints(hit: RuleHit, question: Question) -> Cause:
    port = question.port_called(hit.service)
    shown = endpoints_listed(hit.service, question)
    if port is not None and port.why_no_port:
        return Cause(f"{port.why_no_port}, so Service {hit.service} has no endpoint", shown)
    waiting = [f"{one.address} on {one.node}" for one in port.unready] if port else []
    if waiting:
        verb = "is not ready" if len(waiting) == 1 else "are not ready"
        why = f"Service {hit.service} has endpoints, and none is ready: {', '.join(waiting)} {verb}"
    else:
        why = f"Service {hit.service} has no endpoint that is ready"
    return Cause(why, shown)


def _local_policy(verdict: Verdict, hit: RuleHit, packet: Packet, question: Question) -> Cause:
    port = question.port_called(hit.service)
    backends = port.backends if port else ()
    nodes = tuple(dict.fromkeys(backend.node for backend in backends if backend.node))
    where = f"; its pods run on {', '.join(nodes)}" if nodes else "; no node has one"
    to = (pair_at_end(packet) or question.pair).destination
    space = service_name(hit.service).partition("/")[0]
    namespace = "" if space == "default" else f" -n {space}"
    shown = f"{question.netlab('get')} pods -o wide{namespace}"
    if port is not None and to.address == port.cluster_ip:
        return Cause(
            f"internalTrafficPolicy Local sends a caller inside the cluster only to pods of the"
            f" caller's own node, and {verdict.host} has none of {hit.service}{where}",
            shown,
        )
    why = (
        f"externalTrafficPolicy Local sends callers from outside only to pods of the node that was"
        f" called, and {verdict.host} has none of {hit.service}{where}"
    )
    if not nodes or port is None or port.node_port is None:
        return Cause(why, shown)
    again = f"{question.netlab('trace')}{_family_option(question, nodes[0])} {question.caller}"
    return Cause(why, f"{again} {question.scheme}://{nodes[0]}:{port.node_port}")


def _family_option(question: Question, name: str) -> str:
    """Return what has the name of a host mean its address of the connection's family."""
    host = question.hosts.get(name)
    if host is None or not host.addresses or host.addresses[0].version == question.version:
        return ""
    return f" -{question.version}"
