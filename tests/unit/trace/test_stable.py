"""Two runs of the same call, told in the same words."""

from dataclasses import replace

from netlab.model.packets import AddressPair
from netlab.render.trace.tree import TraceStyle, render_trace
from netlab.trace.paths import Way
from netlab.trace.stable import FIRST_PORT, stable
from netlab.trace.trace import Trace
from tests.unit.trace_samples import BEHIND, SOCKET, delivered, dropped


def again(trace: Trace) -> Trace:
    """Return the same trace as another run would have it: other ports, times and ids."""
    ports = {SOCKET.source.port: 51111, BEHIND.source.port: 31234}

    def moved(pair: AddressPair) -> AddressPair:
        return AddressPair(*(end._replace(port=ports.get(end.port, end.port)) for end in pair))

    packets = tuple(
        replace(
            packet,
            time_ns=packet.time_ns + 999,
            visits=tuple(
                replace(
                    visit,
                    hops=tuple(
                        replace(hop, time_ns=hop.time_ns * 3, pair=moved(hop.pair))
                        for hop in visit.hops
                    ),
                )
                for visit in packet.visits
            ),
        )
        for packet in trace.packets
    )
    return replace(trace, started="later", pair=moved(trace.pair), packets=packets)


def without_steps(trace: Trace) -> Trace:
    packets = tuple(
        replace(p, visits=tuple(replace(v, steps=()) for v in p.visits)) for p in trace.packets
    )
    return replace(trace, packets=packets, nat=())


def test_two_runs_are_told_alike():
    trace = without_steps(delivered())

    assert stable(again(trace)).packets == stable(trace).packets
    assert stable(again(trace)).pair == stable(trace).pair


def test_what_was_called_and_where_pods_listen_stay_and_the_rest_is_counted_up():
    found = stable(delivered())

    assert found.pair.source.port == FIRST_PORT
    assert found.pair.destination == SOCKET.destination
    assert found.request().last_pair().destination == BEHIND.destination
    assert found.request().last_pair().source.port == FIRST_PORT + 1
    assert [entry.identity for entry in found.nat] == [1]


def test_ways_results_and_rules_are_as_they_were():
    for trace in (delivered(), dropped()):
        found = stable(trace)
        assert found.verdict.result is trace.verdict.result
        assert [packet.way for packet in found.packets] == [packet.way for packet in trace.packets]
        assert found.packets[0].way is Way.REQUEST
        assert found.is_symmetric() == trace.is_symmetric()


def test_names_of_veth_ends_are_counted_too():
    trace = delivered()
    verdict = replace(trace.verdict, why="it left by veth0123456789a, then by vethabcdef01234")

    assert stable(replace(trace, verdict=verdict)).verdict.why == "it left by veth1, then by veth2"


def test_a_drawing_without_times_has_no_column_for_them():
    text = render_trace(stable(delivered()), TraceStyle(width=100, times=False))

    assert "+0 µs" not in text
    assert "Times include" not in text
    assert f"client:{FIRST_PORT}" in text
