"""Give NodePort Services one externalTrafficPolicy after the other, and then their own again."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Final

from netlab.client.cluster import Body, Cluster, ServicePort
from netlab.errors import NetlabError
from netlab.lab.demo.fixtures import wait_until_settled
from netlab.lab.experiment_marks import MERGE_PATCH, policy_patch, policy_restored
from netlab.linux.cleanup_process import Afterwards
from netlab.model.addresses import Family

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
                had = self._had.setdefault((namespace, name), has)
                patch = policy_patch(policy, had) if policy != had else policy_restored(had)
                self._patch(namespace, name, policy, patch)
        wait_until_settled(self._cluster)

    def put_back(self) -> None:
        """Give every Service that was changed its own policy again."""
        there = self._policies()
        for (namespace, name), policy in list(self._had.items()):
            # It may have been deleted, or put back already.
            if there.get((namespace, name), policy) != policy:
                self._patch(namespace, name, policy, policy_restored(policy))

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

    def _patch(self, namespace: str, name: str, policy: str, patch: Body) -> None:
        space = "" if namespace == "default" else f"{namespace}/"
        self._say(f"set externalTrafficPolicy of Service {space}{name} to {policy}")
        path = f"/api/v1/namespaces/{namespace}/services/{name}"
        self._cluster.objects.patch(path, patch, MERGE_PATCH)
