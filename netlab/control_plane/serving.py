"""What the control plane answers to on the lab's Unix socket.

``/netlab/v1`` speaks of what is no Kubernetes object: the topology, whether the lab is settled, the
processes. The rest is the Kubernetes API.
"""

import socket
from typing import TYPE_CHECKING, Final

from aiohttp import web

from netlab.apiserver.bootstrap import publish_authority
from netlab.apiserver.filters import with_authentication
from netlab.apiserver.server import build_app
from netlab.apiserver.streaming.proxy import ProxyRoutes
from netlab.apiserver.streaming.routes import PodStreams
from netlab.apiserver.token_requests import token_routes
from netlab.control_plane import report
from netlab.control_plane.api_serving import ApiServing
from netlab.control_plane.desired_rules import desired_rules
from netlab.errors import SpecError
from netlab.kube.objects import Object
from netlab.kube.status import bad_request, failure_status
from netlab.kubeproxy.listeners import NodeListeners
from netlab.kubeproxy.servers import ProxyServers
from netlab.linux import atomic_files
from netlab.model import rundir
from netlab.model.names import host_netns
from netlab.topology.parse import parse_topology

if TYPE_CHECKING:
    from netlab.control_plane.control_plane import ControlPlane

_SETTLE_S: Final = 10.0
"""Within the time that the client waits for an answer."""


async def serve(plane: "ControlPlane") -> None:
    """Open every listener of the control plane; they stay open after the return."""

    async def to_pod(pod: Object, address: str, port: int) -> int:
        return await plane.kubelet_server.connect(pod, port, [address])

    app = build_app(
        plane.store,
        clock=plane.clock,
        changed=lambda: None,
        filters=[with_authentication(plane.tokens.read)],
        routes=[
            *token_routes(plane.tokens),
            *PodStreams(plane.store, plane.kubelet_server, plane.clock).routes(),
            *ProxyRoutes(plane.store, to_pod).routes(),
        ],
    )
    _add_routes(app, plane)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    api = ApiServing(plane.lab, runner, plane.listen)
    # Before anybody can bring a pod, which has the authority's certificate among its files.
    publish_authority(plane.store, await api.open_on_loopback(plane.topology, plane.clock()))
    await web.SockSite(runner, _unix_socket(plane.lab)).start()
    listeners = ProxyServers(plane.kube_proxy, plane.store, plane.clock)
    plane.proxy_agent.serve(NodeListeners(plane.listen, listeners))
    plane.serve_in_lab(api)


def _unix_socket(lab: str) -> socket.socket:
    """Listen under a new name and move it into place, so that who can connect is answered."""
    new = rundir.control_socket_as_bound(lab)
    new.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(new))
    listener.listen(128)
    new.rename(rundir.control_socket(lab))
    return listener


def _add_routes(app: web.Application, plane: "ControlPlane") -> None:
    async def resync(request: web.Request) -> web.Response:
        del request
        plane.resync()
        return web.json_response({})

    async def topology(request: web.Request) -> web.Response:
        text: str = (await request.json())["text"]
        try:
            found = parse_topology(text, "topology")
        except SpecError as error:
            return web.json_response(failure_status(bad_request(str(error))), status=400)
        atomic_files.write_file(rundir.topology_file(plane.lab), text.encode())
        plane.use_topology(found.topology)
        return web.json_response({})

    app.router.add_post("/netlab/v1/resync", resync)
    app.router.add_put("/netlab/v1/topology", topology)
    _add_reports(app, plane)


def _add_reports(app: web.Application, plane: "ControlPlane") -> None:
    async def status(request: web.Request) -> web.Response:
        del request
        return web.json_response(report.status(plane))

    async def settled(request: web.Request) -> web.Response:
        within = float(request.query.get("within", _SETTLE_S))
        done = await plane.loops.settled(min(within, _SETTLE_S))
        return web.json_response({**report.status(plane), "settled": done})

    async def service_calls(request: web.Request) -> web.Response:
        del request
        return web.json_response(report.service_calls(plane))

    async def rules(request: web.Request) -> web.Response:
        netns = host_netns(plane.lab, request.match_info["host"])
        desired = desired_rules(plane.lab, plane.topology, plane.store)
        found = {key.family: rules for key, rules in desired.items() if key.netns == netns}
        if not found:
            raise web.HTTPNotFound(reason=f"no rules are netlab's on {request.match_info['host']}")
        return web.json_response(report.rules(found))

    app.router.add_get("/netlab/v1/status", status)
    app.router.add_get("/netlab/v1/settled", settled)
    app.router.add_get("/netlab/v1/service-calls", service_calls)
    app.router.add_get("/netlab/v1/rules/{host}", rules)
