"""Hold what the kernel did against what the tutorial says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.client.cluster import ServicePort
from netlab.lab.demo.node_rules import DropRule
from netlab.model.addresses import Address
from netlab.model.hosts import Host, HostKind
from netlab.trace.findings import Finding
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.paths import Connection, Fate
from netlab.trace.session.calls import Call

Drops = Mapping[str, DropRule | None]
"""For each node, what drops packets that have no local endpoint."""

_POD_SAYS: Final = "a pod that calls a ClusterIP keeps its own address, {expected}"
_NODE_SAYS: Final = "a node's own process is seen by an address of the node, {expected}"
_CLUSTER_SAYS: Final = "the client's address is hidden: the pod sees {expected}"
_LOCAL_SAYS: Final = "{node} runs the pod and answers; the client's address is kept, {expected}"
_SILENT_SAYS: Final = "{node} runs no pod of this Service: the packet is dropped, no answer comes"

_POD_LESSON: Final = (
    "kube-proxy rewrites only the destination for a pod that calls a ClusterIP: every node has a "
    "route to every pod, so the answer finds its way back without SNAT."
)
_NODE_LESSON: Final = (
    "A process of the node calls from outside the pods' network, so kube-proxy masquerades it: "
    "the source becomes the address of the interface that the packet leaves by."
)
_OWN_LESSON: Final = (
    "The node that was called runs the pod too, and SNAT takes the address of the interface the "
    "packet leaves by: the node's end of the pods' network, not its InternalIP."
)
_OTHER_LESSON: Final = (
    "The node rewrites the source to its own address so that the answer comes back through it; "
    "only there can the destination be put back to what the client had called."
)
_LOCAL_LESSON: Final = (
    "Under Local a node sends to its own pods only, so the answer passes it anyway and SNAT is "
    "not needed: the pod sees the true client."
)
_SILENT_LESSON: Final = (
    "Under Local a node without the pod drops the packet and says nothing, so the caller waits "
    "until it gives up; a load balancer must learn by health checks which nodes to use."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Knows the lab during one experiment, and judges each of its calls."""

    lab: str
    port: ServicePort
    nodes: tuple[Host, ...]
    pods: tuple[Host, ...]
    gateways: Mapping[str, Sequence[Address]]
    """Each node's addresses on its pods' networks."""
    before: Drops
    after: Drops

    def finding(self, call: Call, outcome: Outcome, connection: Connection | None) -> Finding:
        """Return what one call showed."""
        called = self._called(call)
        if called is not None and self._is_silent(called):
            return self._silence(call, called, outcome, connection)
        expected = self._expected(call, called, self._reached(connection))
        words = expected or "an address that the captures must show"
        says, lesson = self._words(call, called, connection)
        return Finding(
            command=self._command(call),
            document=says.format(expected=words, node=called.name if called else ""),
            kernel=outcome.text(),
            holds=expected is not None and outcome.client_address == expected,
            connection=connection,
            lesson=lesson,
        )

    def _silence(
        self, call: Call, called: Host, outcome: Outcome, connection: Connection | None
    ) -> Finding:
        counted, evidence = self._counted(called)
        return Finding(
            command=self._command(call),
            document=_SILENT_SAYS.format(node=called.name),
            kernel=f"{outcome.text()}, {_whereabouts(connection)}",
            holds=outcome.result is Result.TIMEOUT and counted and _ended_at(connection, called),
            connection=connection,
            evidence=evidence,
            lesson=_SILENT_LESSON,
        )

    def _counted(self, node: Host) -> tuple[bool, tuple[str, ...]]:
        """Tell whether the node's rule dropped packets meanwhile, with a sentence for it.

        Where nothing is counted, all that can be told is that the rule was there.
        """
        before, after = self.before.get(node.name), self.after.get(node.name)
        if before is None or after is None:
            return False, (f"{node.name} has no rule that drops it (netlab rules {node.name})",)
        shown = f"{node.name} {after.command}:"
        if before.packets is None or after.packets is None:
            return True, (f"{shown} {after.text} (it counts no packets)",)
        sentence = f"{shown} packets {before.packets} -> {after.packets} at {after.text}"
        return after.packets > before.packets, (sentence,)

    def _is_silent(self, called: Host) -> bool:
        return self.port.policy == "Local" and not self.port.has_backend_on(called.name)

    def _called(self, call: Call) -> Host | None:
        """Return the node whose NodePort was called; None for a ClusterIP."""
        address = call.target.address
        return next((node for node in self.nodes if address in node.addresses), None)

    def _reached(self, connection: Connection | None) -> Host | None:
        """Return the pod that the captures say the request ended in."""
        if connection is None or not connection.attempts:
            return None
        last = connection.attempts[-1].request.last().host
        return next((pod for pod in self.pods if pod.name == last), None)

    def _expected(self, call: Call, called: Host | None, pod: Host | None) -> Address | None:
        """Return the address the document says the pod sees; None when no pod was reached."""
        if pod is None:
            return None
        keeps = call.caller.kind is HostKind.POD if called is None else self.port.policy == "Local"
        family = self.port.family
        if keeps:
            return call.caller.address(family)
        masquerading = called or call.caller
        if pod.node == masquerading.name:
            gateways = self.gateways.get(masquerading.name, ())
            return next((gateway for gateway in gateways if family.holds(gateway)), None)
        return masquerading.address(family)

    def _words(
        self, call: Call, called: Host | None, connection: Connection | None
    ) -> tuple[str, str]:
        """Return what the document says of such a call, and the lesson."""
        if called is None:
            is_pod = call.caller.kind is HostKind.POD
            return (_POD_SAYS, _POD_LESSON) if is_pod else (_NODE_SAYS, _NODE_LESSON)
        if self.port.policy == "Local":
            return _LOCAL_SAYS, _LOCAL_LESSON
        pod = self._reached(connection)
        is_own = pod is not None and pod.node == called.name
        return _CLUSTER_SAYS, _OWN_LESSON if is_own else _OTHER_LESSON

    def _command(self, call: Call) -> str:
        lab = "" if self.lab == "default" else f"--lab {self.lab} "
        url = f"http://{call.target}".removesuffix(":80")
        return f"sudo netlab exec {lab}{call.caller.name} -- curl -s {url}"


def _ended_at(connection: Connection | None, node: Host) -> bool:
    """Tell whether every attempt was seen entering ``node`` and nowhere after."""
    if connection is None or not connection.attempts:
        return False
    ends = [(attempt.fate, attempt.request.last().host) for attempt in connection.attempts]
    return all(end == (Fate.REQUEST_LOST, node.name) for end in ends)


def _whereabouts(connection: Connection | None) -> str:
    if connection is None or not connection.attempts:
        return "seen on no interface"
    last = connection.attempts[-1].request.last()
    return f"last seen at {last.host} {last.ifname}"
