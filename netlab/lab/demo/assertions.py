"""Hold what the kernel did with a call against what is expected of it, and say who expects it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from netlab.client.cluster import ServicePort
from netlab.model.addresses import Address
from netlab.model.hosts import Host, HostKind
from netlab.render.demo import DOCUMENT, NETLAB, Step
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.packet import Result as End
from netlab.trace.packet import RuleHit
from netlab.trace.session.exchange import Call
from netlab.trace.trace import Trace


class _Expected(NamedTuple):
    said_by: str
    statement: str
    lesson: str


_POD: Final = _Expected(
    DOCUMENT,
    "a pod that calls a ClusterIP keeps its own address, {expected}",
    "For a pod that calls a ClusterIP, kube-proxy rewrites only the destination: every node has a "
    "route to every pod, so the answer finds its way back without SNAT.",
)
_NODE: Final = _Expected(
    NETLAB,
    "a node's own process is masqueraded: the pod sees an address of the node, {expected}. "
    'The document says "never source NAT\'d" of calls from within the cluster, and means pods',
    "A process of the node calls from outside the pods' network, so kube-proxy masquerades it: the "
    "source becomes the address of the interface that the packet leaves by.",
)
_HAIRPIN: Final = _Expected(
    NETLAB,
    "a pod that reaches itself is masqueraded: it sees the gateway address of its node, "
    '{expected}. The document says "never source NAT\'d" of calls from within the cluster, and '
    "means other pods",
    "With its own address as the source the pod would answer itself without the node, from its "
    "own address, and no connection waits for an answer from there. So kube-proxy masquerades it.",
)
_CLUSTER: Final = _Expected(
    DOCUMENT,
    "the client's address is hidden: the pod sees {expected}",
    "The node rewrites the source to its own address so that the answer comes back through it; "
    "only there can the destination be put back to what the client had called.",
)
_CLUSTER_OWN: Final = _CLUSTER._replace(
    lesson="The node that was called runs the pod too, and masquerades all the same. It takes the "
    "address of the interface that the packet leaves by: its gateway address on the pods' network, "
    "not its InternalIP.",
)
_LOCAL: Final = _Expected(
    DOCUMENT,
    "{node} runs the pod and answers; the client's address is kept, {expected}",
    "Under Local a node sends callers from outside only to its own pods, so the answer passes it "
    "anyway and SNAT is not needed: the pod sees the true client.",
)
_SILENT: Final = _Expected(
    DOCUMENT,
    "{node} runs no pod of this Service: the packet is dropped, no answer comes",
    "Under Local a node without the pod drops what comes from outside and says nothing, so the "
    "caller waits until it gives up. A load balancer has to find out which nodes to ask: by "
    "healthCheckNodePort, or from EndpointSlices.",
)


_BALANCED: Final = _LOCAL._replace(
    statement="the balancer chose {node}, which runs the pod; the client's address is kept, "
    "{expected}",
    lesson="The balancer forwards the packet with both its addresses, and the node sends callers "
    "from outside only to its own pods, without SNAT. The answer goes straight to the client.",
)
_PROXIED: Final = _Expected(
    NETLAB,
    "the connection ends at the balancer, which makes one of its own: the pod sees the balancer, "
    "{expected}",
    "Two connections: the client's to the balancer, and the balancer's to a node. The client's "
    "address is not in the second one.",
)


_ANSWERED: Final = _Expected(
    DOCUMENT,
    "the Service can be reached from any node, and from any pod, at {expected}",
    "The node that the call begins on rewrites the destination to one of the two pods, with equal "
    "chances; a second call may go to the other one.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertions:
    """Knows the lab during one experiment, and says of each call whether it went as expected."""

    lab: str
    port: ServicePort
    nodes: tuple[Host, ...]
    pods: tuple[Host, ...]
    gateways: Mapping[str, Sequence[Address]]
    """Each node's addresses on its pods' networks."""
    balancer: Host | None = None
    """The host of the load balancer that is called; None when none is."""
    is_proxied: bool = False
    """Whether connections end there."""
    echoes: bool = True
    """Whether the pods answer with the address that they saw."""

    def step(self, call: Call, outcome: Outcome, trace: Trace) -> Step:
        """Return what one call showed."""
        called, pod = self._called(call, trace), self._reached(trace)
        address = self._address(call, called, pod)
        expected = self._expected(call, called, pod)
        words = address or "an address that the trace must show"
        if expected is _ANSWERED:
            words = call.target.address.address
            kernel = f"{outcome.text()} by {pod.name if pod else 'no pod'}"
            holds = outcome.result is Result.ANSWERED and pod is not None
        elif expected is _SILENT:
            kernel = f"{outcome.text()}, {trace.verdict.words}"
            holds = called is not None and _is_dropped(outcome, trace, called)
        else:
            kernel = outcome.text()
            holds = address is not None and outcome.client_address == address
        return Step(
            command=self._command(call),
            said_by=expected.said_by,
            statement=expected.statement.format(expected=words, node=called.name if called else ""),
            kernel=kernel,
            holds=holds,
            trace=trace,
            lesson=expected.lesson,
        )

    def _expected(self, call: Call, called: Host | None, pod: Host | None) -> _Expected:
        if not self.echoes:
            return _ANSWERED
        if self.is_proxied:
            return _PROXIED
        if called is None:
            outside = _POD if call.caller.kind is HostKind.POD else _NODE
            return _HAIRPIN if _is_hairpin(call, called, pod) else outside
        if self.port.policy == "Local" and self.balancer is not None:
            return _BALANCED
        if self.port.policy == "Local":
            return _LOCAL if self.port.has_backend_on(called.name) else _SILENT
        is_own = pod is not None and pod.node == called.name
        return _CLUSTER_OWN if is_own else _CLUSTER

    def _called(self, call: Call, trace: Trace) -> Host | None:
        """Return the node that was called, or that the balancer chose; None for a ClusterIP."""
        if self.balancer is not None:
            request = trace.request()
            names = request.hosts() if request else ()
            return next((one for name in names for one in self.nodes if one.name == name), None)
        address = call.target.address.address
        return next((node for node in self.nodes if address in node.addresses), None)

    def _reached(self, trace: Trace) -> Host | None:
        """Return the pod in which the trace saw the request end."""
        request = trace.request()
        last = request.hosts()[-1] if request else ""
        return next((pod for pod in self.pods if pod.name == last), None)

    def _address(self, call: Call, called: Host | None, pod: Host | None) -> Address | None:
        """Return the address that the pod is expected to see; None when no pod was reached."""
        if self.is_proxied and self.balancer is not None:
            return self.balancer.address(self.port.family)
        if pod is None:
            return None
        family = self.port.family
        if _is_hairpin(call, called, pod):
            return self._gateway(pod.node or "")
        keeps = call.caller.kind is HostKind.POD if called is None else self.port.policy == "Local"
        if keeps:
            return call.caller.address(family)
        masquerading = called or call.caller
        if pod.node == masquerading.name:
            return self._gateway(masquerading.name)
        return masquerading.address(family)

    def _gateway(self, node: str) -> Address | None:
        gateways = self.gateways.get(node, ())
        return next((one for one in gateways if self.port.family.holds(one)), None)

    def _command(self, call: Call) -> str:
        lab = "" if self.lab == "default" else f"--lab {self.lab} "
        url = f"http://{call.target.address}".removesuffix(":80")
        return f"sudo netlab exec {lab}{call.caller.name} -- curl -s {url}"


def _is_hairpin(call: Call, called: Host | None, pod: Host | None) -> bool:
    """Tell whether a pod called a ClusterIP and reached itself."""
    return called is None and pod is not None and pod.name == call.caller.name


def _is_dropped(outcome: Outcome, trace: Trace, node: Host) -> bool:
    """Tell whether a rule of ``node`` threw the call away, and its caller heard nothing."""
    end = trace.verdict
    is_rule = isinstance(end.by, RuleHit) and end.result is End.DROPPED
    return outcome.result is Result.TIMEOUT and is_rule and end.host == node.name
