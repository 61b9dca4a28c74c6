"""What a node's rules will do with a packet that nobody has sent yet."""

from dataclasses import dataclass, replace
from fractions import Fraction
from ipaddress import ip_network

from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.kubeproxy.nftables.compile import compile_table
from netlab.kubeproxy.view import ProxyView
from netlab.model.addresses import Family, Network
from netlab.model.kube_proxy import DetectLocalMode, ProxyConfiguration, ProxyMode
from netlab.netfilter.iptables.evaluate import is_local
from netlab.netfilter.iptables.walk import Walker
from netlab.netfilter.nftables.walk import Walker as TableWalker
from netlab.netfilter.verdicts import Outcome, Packet, Verdict
from netlab.trace.flows import FlowQuestion, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answer to one question."""

    question: FlowQuestion
    outcomes: tuple[Outcome, ...]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What can become of the packet, the likeliest first; as a rule there is one."""
        chances: dict[Verdict, Fraction] = {}
        for one in self.outcomes:
            chances[one.verdict] = chances.get(one.verdict, Fraction(0)) + one.chance
        return tuple(sorted(chances, key=lambda verdict: (-chances[verdict], verdict)))

    @property
    def endpoints(self) -> dict[str, Fraction]:
        """The chance of each endpoint, in the order of the rules."""
        chances: dict[str, Fraction] = {}
        for one in self.outcomes:
            if one.endpoint is not None:
                chances[one.endpoint] = chances.get(one.endpoint, Fraction(0)) + one.chance
        return chances

    @property
    def is_masqueraded(self) -> bool:
        """Whether any endpoint sees an address of the node instead of the source."""
        return any(one.is_masqueraded for one in self.outcomes)


class Predictor:
    """Answers questions about one node.

    Args:
        view: What kube-proxy on the node knows.
    """

    def __init__(self, view: ProxyView) -> None:
        self._view = view
        self._walkers: dict[Family, Walker | TableWalker] = {}

    def predict(self, question: FlowQuestion) -> Prediction:
        """Return what the rules do with the first packet of a flow.

        A source that is the node's own address sends from the node; any other arrives there.
        """
        walker = self._walkers.get(question.family)
        if walker is None:
            walker = self._walkers[question.family] = self._walker(question.family)
        packet = packet_of(question, self._view)
        return Prediction(question=question, outcomes=walker.walk(packet))

    def if_pods_were_known(self, question: FlowQuestion) -> Prediction | None:
        """Return the answer of a kube-proxy that is told which addresses are pods'.

        None where this one is told, or where it makes no difference. kube-proxy by its defaults
        tells pods by ``clusterCIDR``; without it no packet counts as a pod's.
        """
        if not lacks_cluster_cidr(self._view):
            return None
        answer = self.predict(question)
        for network in _cluster_cidrs(question):
            configuration = replace(self._view.configuration, cluster_cidrs=(network,))
            other = Predictor(replace(self._view, configuration=configuration)).predict(question)
            if _acts(other) != _acts(answer):
                return other
        return None

    def _walker(self, family: Family) -> Walker | TableWalker:
        view = self._view
        inputs = view.node, view.services, view.slices, view.configuration, family
        match view.mode:
            case ProxyMode.IPTABLES:
                return Walker(compile_ruleset(*inputs), view.node.addresses)
            case ProxyMode.NFTABLES:
                table = compile_table(*inputs, service_cidrs=view.service_cidrs)
                return TableWalker(table, view.node.addresses)


def lacks_cluster_cidr(view: ProxyView) -> bool:
    """Tell whether pods' packets are to be known by a ``clusterCIDR``, and there is none."""
    configuration = view.configuration
    by_cidr = configuration.detect_local_mode is DetectLocalMode.CLUSTER_CIDR
    return by_cidr and not configuration.cluster_cidrs


def _cluster_cidrs(question: FlowQuestion) -> list[Network]:
    """Return networks of pods that hold the source, or do not, as far as its origin leaves open."""
    holding = ip_network(question.source)
    other = ip_network("192.0.2.0/32" if question.family is Family.IPV4 else "2001:db8::/128")
    match question.origin:
        case Origin.POD:
            return [holding]
        case None:
            return [holding, other]
        case _:
            return [other]


def _acts(prediction: Prediction) -> tuple[object, ...]:
    return prediction.verdicts, prediction.endpoints, prediction.is_masqueraded


def packet_of(question: FlowQuestion, view: ProxyView) -> Packet:
    """Return the first packet of a flow as it meets the node."""
    is_made_here = is_local(question.source, frozenset(view.node.addresses))
    comes_from_pod = question.origin is Origin.POD and not is_made_here
    return Packet(
        source=question.source,
        destination=question.destination,
        protocol=question.protocol,
        destination_port=question.port,
        is_made_here=is_made_here,
        in_interface=_pod_interface(view.configuration) if comes_from_pod else "",
    )


def _pod_interface(configuration: ProxyConfiguration) -> str:
    """Return an interface that pods' packets come by, as far as the configuration knows one."""
    match configuration.detect_local_mode:
        case DetectLocalMode.BRIDGE_INTERFACE:
            return configuration.bridge_interface
        case DetectLocalMode.INTERFACE_NAME_PREFIX:
            return f"{configuration.interface_name_prefix}0"
        case _:
            return ""
