"""The sentence a teacher would say."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from netlab.render.trace.summary import summary
from netlab.trace.paths import Way
from netlab.trace.trace import Trace
from tests.unit.drawn_samples import (
    ASKED,
    NAT_THERE,
    POD,
    SENT_ON,
    THERE,
    dropped,
    hairpin,
    looped,
    nodeport,
    packet,
    pair,
    trace,
    unsent,
)


def local() -> Trace:
    """Return a call that meets a pod of the node it asked: no SNAT."""
    seen = pair("client:40000", f"{POD}:8080")
    layout = (*THERE[:2], ("node1", ASKED, seen, NAT_THERE[:4]), (POD, seen, None, ()))
    return trace(packet(1, Way.REQUEST, layout))


def plain() -> Trace:
    """Return a call of a node's own socket."""
    layout = (*THERE[:2], ("node2", ASKED, None, ()))
    return trace(packet(1, Way.REQUEST, layout))


def masqueraded() -> Trace:
    """Return a call that leaves the cluster: SNAT alone."""
    layout = (("client", None, ASKED, ()), ("node2", ASKED, SENT_ON, NAT_THERE[5:6]))
    return trace(packet(1, Way.REQUEST, (*layout, ("node3", SENT_ON, None, ()))))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(
            nodeport,
            "The pod sees node2 (10.240.0.4), not client: node2 sent the request on with its own"
            " address as the source, so that the answer comes back to node2, which alone can undo"
            " the NAT.",
            id="hidden by a node that has no pod",
        ),
        pytest.param(
            local,
            "The pod sees its caller's own address, client (198.51.100.79): node1 rewrote the"
            " destination only.",
            id="kept",
        ),
        pytest.param(
            plain, "No NAT was at work: client and node2 see each other's own addresses.", id="none"
        ),
        pytest.param(looped, "No NAT was at work: node1 called itself.", id="itself"),
        pytest.param(
            masqueraded,
            "node3 sees node2 (10.240.0.4), not client: node2 let the request through with its own"
            " address as the source.",
            id="masqueraded",
        ),
        pytest.param(
            dropped,
            "Dropped on node2 by filter KUBE-EXTERNAL-SERVICES #1: externalTrafficPolicy Local"
            " sends to pods of the node that was called.",
            id="dropped",
        ),
        pytest.param(unsent, "client sent nothing: no route for 192.0.2.9.", id="unsent"),
    ],
)
def test_a_sentence_says_what_the_connection_shows(make: Callable[[], Trace], said: str):
    assert summary(make()) == said


def test_a_pod_that_calls_itself_is_told_why_its_source_had_to_go():
    said = summary(hairpin())

    called = "The pod called itself through Service default/web:http"
    assert said.startswith(f"{called}: node1 replaced the source with its own address, 10.244.1.1")
    assert "would never leave the pod" in said


def test_a_source_port_alone_hides_nobody():
    seen = pair("client:50000", f"{POD}:8080")
    kept = replace(NAT_THERE[5], after=seen.source)
    layout = (*THERE[:2], ("node2", ASKED, seen, (*NAT_THERE[:4], kept)), (POD, seen, None, ()))

    said = summary(trace(packet(1, Way.REQUEST, layout)))

    assert said.startswith("The pod sees its caller's own address")
    assert said.endswith("node2 rewrote the destination and the source port.")
