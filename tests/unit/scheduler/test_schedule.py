"""Where pods go, and what is said of those that go nowhere."""

import pytest

from netlab.apiserver.changes import Update
from netlab.kube.events import Record
from netlab.kube.objects import Object
from netlab.kube.unreadable import UnreadableObjects
from netlab.scheduler.nodes import cluster_of
from netlab.scheduler.schedule import schedule

NOW = 1_800_000_000.0
READY = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def node(name: str, labels: Object | None = None, **spec: object) -> Object:
    return {
        "metadata": {"name": name, "labels": {"host": name, **(labels or {})}},
        "spec": spec,
        "status": {
            "conditions": READY,
            "allocatable": {"pods": "3", "cpu": "2", "memory": "1Gi"},
        },
    }


NAMESPACES: dict[str, dict[str, str]] = {"default": {}, "other": {"team": "b"}}
TEAM_B: Object = {"matchLabels": {"team": "b"}}


def pod(
    name: str = "p", app: str = "web", namespace: str = "default", on: str = "", **spec: object
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
        "spec": {"containers": [{"name": "c"}], **({"nodeName": on} if on else {}), **spec},
    }


def of(version: str, name: str = "p", on: str = "", **spec: object) -> Object:
    """Return a pod with one label more."""
    found = pod(name, on=on, **spec)
    labels = {**found["metadata"]["labels"], "v": version}
    return {**found, "metadata": {**found["metadata"], "labels": labels}}


def preferring(kind: str, term: Object) -> Object:
    wish = {"weight": 10, "podAffinityTerm": term}
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}


def affinity(kind: str, term: Object) -> Object:
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def near(app: str, key: str = "host", **more: object) -> Object:
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}, **more}


def on_nodes(expression: Object, part: str = "matchExpressions") -> Object:
    terms = {"nodeSelectorTerms": [{part: [expression]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def spread(skew: int = 1, **more: object) -> Object:
    return {
        "maxSkew": skew,
        "topologyKey": "host",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
        **more,
    }


def asking(**requests: object) -> list[Object]:
    return [{"name": "c", "resources": {"requests": requests}}]


def port(number: int, **more: object) -> list[Object]:
    return [{"name": "c", "ports": [{"containerPort": number, "hostPort": number, **more}]}]


NODES = [node("a", {"zone": "z1"}), node("b", {"zone": "z1"}), node("c", {"zone": "z2"})]


def placed(
    pods: list[Object], nodes: list[Object] | None = None, bound: list[Object] | None = None
) -> list[str]:
    """Return the node of each pod, or what is said of it."""
    cluster = cluster_of(
        NODES if nodes is None else nodes, bound or [], NAMESPACES, UnreadableObjects()
    )
    found: list[str] = []
    for change in schedule(pods, cluster, NOW, UnreadableObjects()):
        if isinstance(change, Update):
            condition = change.object["status"]["conditions"][0]
            found.append(change.object["spec"].get("nodeName") or condition["message"])
    return found


@pytest.mark.parametrize(
    ("wanted", "bound", "where"),
    [
        pytest.param(pod(), [], "a", id="the first node by name"),
        pytest.param(pod(), [pod("o", on="a")], "b", id="the emptiest node"),
        pytest.param(pod(nodeSelector={"zone": "z2"}), [], "c", id="a node with the label"),
        pytest.param(
            pod(affinity=on_nodes({"key": "zone", "operator": "NotIn", "values": ["z1"]})),
            [],
            "c",
            id="a node that an expression picks",
        ),
        pytest.param(
            pod(
                affinity=on_nodes(
                    {"key": "metadata.name", "operator": "In", "values": ["b"]}, "matchFields"
                )
            ),
            [],
            "b",
            id="a node by its name",
        ),
        pytest.param(
            pod(affinity=affinity("podAffinity", near("db"))),
            [pod("db", "db", on="b")],
            "b",
            id="near another pod",
        ),
        pytest.param(
            pod(affinity=affinity("podAffinity", near("db", "zone"))),
            [pod("db", "db", on="b")],
            "a",
            id="in another pod's zone",
        ),
        pytest.param(
            pod(affinity=affinity("podAffinity", near("web"))), [], "a", id="the first of a group"
        ),
        pytest.param(
            pod(affinity=affinity("podAntiAffinity", near("db", "zone"))),
            [pod("db", "db", on="b")],
            "c",
            id="away from another pod's zone",
        ),
        pytest.param(
            pod(),
            [pod("o", "x", on="a", affinity=affinity("podAntiAffinity", near("web", "zone")))],
            "c",
            id="away from a pod that keeps others away",
        ),
        pytest.param(
            pod(topologySpreadConstraints=[spread()]),
            [pod("o", on="a"), pod("o2", on="b"), pod("o3", "x", on="c"), pod("o4", "x", on="c")],
            "c",
            id="where fewest of its kind are",
        ),
        pytest.param(
            of("v1", affinity=affinity("podAffinity", near("web", matchLabelKeys=["v"]))),
            [of("v2", "o", on="a"), of("v1", "o2", on="b")],
            "b",
            id="near pods that are alike by a label",
        ),
        pytest.param(
            of("v1", affinity=affinity("podAntiAffinity", near("web", mismatchLabelKeys=["v"]))),
            [of("v2", "o", on="a"), of("v1", "o2", on="b"), of("v1", "o3", on="b")],
            "c",
            id="away from pods that differ by a label",
        ),
        pytest.param(
            pod(affinity=affinity("podAffinity", near("db", namespaces=["other"]))),
            [pod("db", "db", on="a"), pod("db2", "db", "other", on="b")],
            "b",
            id="near a pod of a namespace by name",
        ),
        pytest.param(
            pod(affinity=affinity("podAffinity", near("db", namespaceSelector=TEAM_B))),
            [pod("db", "db", on="a"), pod("db2", "db", "other", on="b")],
            "b",
            id="near a pod of a namespace by label",
        ),
        pytest.param(
            pod(affinity=preferring("podAffinity", near("db"))),
            [pod("db", "db", on="c")],
            "c",
            id="near another pod by preference",
        ),
        pytest.param(
            pod(affinity=preferring("podAntiAffinity", near("db", "zone"))),
            [pod("db", "db", on="a"), pod("o", on="c")],
            "c",
            id="away from another pod by preference",
        ),
        pytest.param(
            of("v1", topologySpreadConstraints=[spread(matchLabelKeys=["v"])]),
            [of("v1", "o", on="a"), of("v2", "o2", on="b"), of("v1", "o3", on="c")],
            "b",
            id="where fewest are that are alike by a label",
        ),
        pytest.param(
            pod(
                nodeSelector={"zone": "z1"},
                topologySpreadConstraints=[spread(nodeAffinityPolicy="Honor")],
            ),
            [pod("o", on="a")],
            "b",
            id="spread over the nodes it may be on",
        ),
        pytest.param(
            pod(containers=port(80)),
            [pod("o", on="a", containers=port(80))],
            "b",
            id="where its port is free",
        ),
        pytest.param(
            pod(containers=port(80, protocol="UDP")),
            [pod("o", on="b"), pod("o2", on="c"), pod("o3", on="a", containers=port(80))],
            "a",
            id="a port of another protocol is free",
        ),
        pytest.param(
            pod(containers=asking(cpu="1500m")),
            [pod("o", on="a", containers=asking(cpu=1)), pod("o2", on="b"), pod("o3", on="b")],
            "c",
            id="where there is enough of a resource",
        ),
        pytest.param(
            pod(
                affinity={
                    "nodeAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "weight": 10,
                                "preference": {
                                    "matchExpressions": [
                                        {"key": "zone", "operator": "In", "values": ["z2"]}
                                    ]
                                },
                            }
                        ]
                    }
                }
            ),
            [pod("o", on="c")],
            "c",
            id="what it prefers, though it is fuller",
        ),
    ],
)
def test_a_pod_goes_to(wanted: Object, bound: list[Object], where: str):
    assert placed([wanted], bound=bound) == [where]


def preempting(nodes: int, vain: int | None = None) -> str:
    vain = nodes if vain is None else vain
    told = [
        f"{nodes - vain} No preemption victims found for incoming pod",
        f"{vain} Preemption is not helpful for scheduling",
    ]
    shown = ", ".join(sorted(one for one in told if not one.startswith("0 ")))
    return f" preemption: 0/{nodes} nodes are available: {shown}."


CORDONED = [node(name, unschedulable=True) for name in "abc"]
TAINTED = [node(name, taints=[GPU]) for name in "abc"]


@pytest.mark.parametrize(
    ("wanted", "nodes", "said"),
    [
        pytest.param(pod(), [], "no nodes available to schedule pods", id="no node"),
        pytest.param(
            pod(),
            CORDONED,
            "0/3 nodes are available: 3 node(s) were unschedulable." + preempting(3),
            id="all cordoned",
        ),
        pytest.param(
            pod(),
            TAINTED,
            "0/3 nodes are available: 3 node(s) had untolerated taint {gpu: yes}." + preempting(3),
            id="all tainted",
        ),
        pytest.param(
            pod(),
            [{**node("a"), "status": {}}],
            "0/1 nodes are available: 1 node(s) had untolerated taint "
            "{node.kubernetes.io/not-ready: }." + preempting(1),
            id="a node that is not ready",
        ),
        pytest.param(
            pod(nodeSelector={"disk": "ssd"}),
            [CORDONED[0], *NODES[1:]],
            "0/3 nodes are available: 1 node(s) were unschedulable, "
            "2 node(s) didn't match Pod's node affinity/selector." + preempting(3),
            id="one cordoned and two without the label",
        ),
        pytest.param(
            pod(containers=asking(cpu=3)),
            NODES,
            "0/3 nodes are available: 3 Insufficient cpu." + preempting(3, 0),
            id="more than any node has",
        ),
        pytest.param(
            pod(affinity=affinity("podAffinity", near("db"))),
            NODES,
            "0/3 nodes are available: 3 node(s) didn't match pod affinity rules." + preempting(3),
            id="near a pod that is not there",
        ),
        pytest.param(
            pod(topologySpreadConstraints=[spread(topologyKey="rack")]),
            NODES,
            "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints "
            "(missing required label)." + preempting(3),
            id="spread by a label that no node has",
        ),
    ],
)
def test_a_pod_that_goes_nowhere_is_told_why(wanted: Object, nodes: list[Object], said: str):
    assert placed([wanted], nodes) == [said]


@pytest.mark.parametrize(
    ("more", "is_placed"),
    [
        pytest.param({}, True, id="of one node, however many there are"),
        pytest.param({"minDomains": 2}, False, id="over two nodes at least"),
    ],
)
def test_pods_may_ask_to_be_spread_over_more_nodes_than_there_are(more: Object, *, is_placed: bool):
    wanted = pod(topologySpreadConstraints=[spread(**more)])
    [said] = placed([wanted], [node("a")], [pod("o", on="a")])
    assert (said == "a") == is_placed


@pytest.mark.parametrize(("policy", "is_placed"), [("Ignore", False), ("Honor", True)])
def test_a_tainted_node_counts_where_pods_are_spread_unless_taints_are_honoured(
    policy: str, *, is_placed: bool
):
    wanted = pod(topologySpreadConstraints=[spread(nodeTaintsPolicy=policy)])
    nodes = [node("a"), node("b", taints=[GPU])]
    [said] = placed([wanted], nodes, [pod("o", on="a")])
    assert (said == "a") == is_placed


@pytest.mark.parametrize(
    "toleration",
    [
        {"operator": "Exists"},
        {"key": "gpu", "operator": "Exists"},
        {"key": "gpu", "value": "yes", "effect": "NoSchedule"},
    ],
)
def test_a_taint_that_is_tolerated_keeps_nobody_away(toleration: Object):
    assert placed([pod(tolerations=[toleration])], TAINTED) == ["a"]


@pytest.mark.parametrize(
    "toleration",
    [{"key": "gpu"}, {"key": "gpu", "value": "no"}, {"operator": "Exists", "effect": "NoExecute"}],
)
def test_a_toleration_of_another_taint_does_not_help(toleration: Object):
    (said,) = placed([pod(tolerations=[toleration])], TAINTED)
    assert "untolerated taint" in said


def test_replicas_spread_over_the_nodes_until_these_are_full():
    pods = [pod(f"p{number}") for number in range(11)]
    found = placed(pods)
    assert sorted(found[:9]) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    said = "0/3 nodes are available: 3 Too many pods." + preempting(3, 0)
    assert found[9:] == [said, said]


def test_a_pod_of_higher_priority_chooses_first():
    assert placed([pod("low"), pod("high", priority=5)], [node("a")]) == ["a", "a"]
    full = [pod(f"o{number}", on="a") for number in range(2)]
    found = placed([pod("low"), pod("high", priority=5)], [node("a")], full)
    assert found[0] == "a"
    assert found[1].startswith("0/1")


def test_a_pod_that_waits_for_a_gate_is_not_looked_at():
    assert placed([pod(schedulingGates=[{"name": "x"}])]) == [
        "Scheduling is blocked due to non-empty scheduling gates"
    ]


def test_what_becomes_of_a_pod_is_an_event():
    changes = schedule(
        [pod("x"), pod("y", nodeSelector={"no": "node"})],
        cluster_of(NODES, [], {}, UnreadableObjects()),
        NOW,
        UnreadableObjects(),
    )
    events = [one for one in changes if isinstance(one, Record)]
    assert [(one.type, one.reason, one.component) for one in events] == [
        ("Normal", "Scheduled", "default-scheduler"),
        ("Warning", "FailedScheduling", "default-scheduler"),
    ]
    assert events[0].message == "Successfully assigned default/x to a"
    told = [one for one in changes if isinstance(one, Update)][1].object
    no_pods = cluster_of(NODES, [], {}, UnreadableObjects())
    assert schedule([told], no_pods, NOW + 1, UnreadableObjects()) == ()


def test_a_pod_that_cannot_be_read_keeps_no_other_from_its_node():
    bad = {"containers": [{"name": "c", "resources": {"requests": "much"}}]}
    unreadable = UnreadableObjects()
    cluster = cluster_of(NODES, [pod("there", on="a", **bad)], {}, unreadable)
    changes = schedule([pod("x", **bad), pod("y")], cluster, NOW, unreadable)
    x, y = (one.object for one in changes if isinstance(one, Update))
    assert y["spec"]["nodeName"] == "a"
    assert x["status"]["conditions"][0]["reason"] == "SchedulerError"
    assert [key.name for key in unreadable.reasons()] == ["there", "x"]
