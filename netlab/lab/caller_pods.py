"""Pods to call from, for as long as it takes: a Service's own pods call themselves."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from netlab.client.cluster import Cluster
from netlab.lab.demo.fixtures import Fixtures, wait_until_settled
from netlab.model.hosts import Host, HostKind


def bring_callers(cluster: Cluster, undo: ExitStack, say: Callable[[str], None]) -> list[Host]:
    """Have a pod on each node that no Service stands for; return those that were made.

    Args:
        cluster: The running lab.
        undo: Takes them away again when it is closed.
        say: Takes a line about each.

    Raises:
        LabError: One did not run in time.
    """
    ports = cluster.service_ports("TCP", "UDP")
    ends = {one.address for port in ports for one in (*port.backends, *port.unready)}
    pods = cluster.hosts(HostKind.POD)
    have = {pod.node for pod in pods if ends.isdisjoint(pod.addresses)}
    fixtures = Fixtures(cluster, undo, say)
    nodes: Sequence[Host] = cluster.hosts(HostKind.NODE)
    names = [fixtures.caller_pod(node.name) for node in nodes if node.name not in have]
    callers = [fixtures.pod_host(name) for name in names]
    if callers:
        wait_until_settled(cluster)
    return callers
