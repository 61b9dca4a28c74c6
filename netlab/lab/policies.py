"""Give NodePort Services one externalTrafficPolicy after the other, and then their own again."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Final

from netlab.client.cluster import Cluster, ServicePort
from netlab.errors import LabError, NetlabError
from netlab.lab.demo.node_rules import follow, read_rules
from netlab.lab.demo.stage import MERGE_PATCH, POLL_S, READY_S
from netlab.linux.cleanup_process import Afterwards
from netlab.model.addresses import Family
from netlab.model.hosts import HostKind

POLICIES: Final = ("Cluster", "Local")
PROTOCOLS: Final = ("TCP", "UDP")


class PolicyTrial:
    """Knows which Services it changed.

    Args:
        cluster: The running lab.
        undo: Puts the policies back when the trial ends, however it ends.
        say: Takes one line of progress.
        family: Of the Services that are tried; None for each one's own first family.
    """

    def __init__(
        self,
        cluster: Cluster,
        undo: ExitStack,
        say: Callable[[str], None],
        family: Family | None = None,
    ) -> None:
        self._cluster = cluster
        self._family = family
        self._say = say
        self._had: dict[tuple[str, str], str] = {}
        self._before = self._policies()
        # Even killed it puts everything back; that comes last, and finds nothing to do otherwise.
        undo.callback(Afterwards(self._put_back_unseen).close)
        # Twice, so that an interrupt within the first is made good by the second.
        undo.callback(self.put_back)
        undo.callback(self.put_back)

    def set_all(self, policy: str) -> None:
        """Give every NodePort Service ``policy``, and wait until the rules of every node follow.

        Raises:
            LabError: They did not in time.
        """
        for (namespace, name), has in self._policies().items():
            if has != policy:
                # First the way back: an interrupt may come while the request is under way.
                self._had.setdefault((namespace, name), has)
                self._patch(namespace, name, policy)
        self._settle(policy)

    def put_back(self) -> None:
        """Give every Service that was changed its own policy again."""
        there = self._policies()
        for (namespace, name), policy in list(self._had.items()):
            # It may have been deleted, or put back already.
            if there.get((namespace, name), policy) != policy:
                self._patch(namespace, name, policy)

    def _put_back_unseen(self) -> None:
        self._say = lambda _: None
        self._had = self._before
        # Where the lab has gone there is nothing to put back; other failures were told before.
        with suppress(NetlabError):
            self.put_back()

    def _policies(self) -> dict[tuple[str, str], str]:
        return {(port.namespace, port.name): port.policy for port in self._ports()}

    def _ports(self) -> list[ServicePort]:
        found = self._cluster.service_ports(*PROTOCOLS, family=self._family)
        return [port for port in found if port.type == "NodePort"]

    def _patch(self, namespace: str, name: str, policy: str) -> None:
        space = "" if namespace == "default" else f"{namespace}/"
        self._say(f"set externalTrafficPolicy of Service {space}{name} to {policy}")
        path = f"/api/v1/namespaces/{namespace}/services/{name}"
        self._cluster.objects.patch(path, {"spec": {"externalTrafficPolicy": policy}}, MERGE_PATCH)

    def _settle(self, policy: str) -> None:
        deadline = time.monotonic() + READY_S
        while late := self._late():
            if time.monotonic() > deadline:
                raise LabError(
                    f"the nodes' rules do not follow policy {policy} of Service {late}"
                    f" after {READY_S:g} s",
                    hint="sudo netlab status",
                )
            time.sleep(POLL_S)

    def _late(self) -> str:
        """Return a Service that the rules of some node do not follow yet; empty when all do."""
        # Without an endpoint the rules are the same under either policy.
        ports = [port for port in self._ports() if port.backends and port.node_port]
        for node in self._cluster.hosts(HostKind.NODE):
            rules = {family: read_rules(node, family) for family in {p.family for p in ports}}
            for port in ports:
                if not follow(rules[port.family], node.name, port):
                    return port.key
        return ""
