"""The server on loopback, asked by dig; its objects come from an API server of a few lines."""

import asyncio
import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from netlab.dns import coredns, reflector
from netlab.dns.metrics import metrics_text
from netlab.dns.records import Rcode
from netlab.dns.resolver import Resolver
from netlab.dns.server import Server

WEB = {
    "metadata": {"namespace": "default", "name": "web", "resourceVersion": "5"},
    "spec": {"clusterIP": "10.0.0.80", "ports": [{"name": "http", "port": 80}]},
}
LATE = {
    "metadata": {"namespace": "default", "name": "late", "resourceVersion": "7"},
    "spec": {"clusterIP": "10.0.0.90", "ports": [{"port": 80}]},
}
MANY = [f"10.244.{i}.{j}" for i in range(4) for j in range(1, 60)]
SLICE = {
    "metadata": {
        "namespace": "default",
        "name": "many-1",
        "labels": {"kubernetes.io/service-name": "many"},
    },
    "addressType": "IPv4",
    "ports": [{"name": "", "port": 80}],
    "endpoints": [{"addresses": [one]} for one in MANY],
}
HEADLESS = {
    "metadata": {"namespace": "default", "name": "many"},
    "spec": {"clusterIP": "None", "ports": [{"port": 80}]},
}
LISTS: dict[str, list[dict[str, Any]]] = {
    "/api/v1/namespaces": [{"metadata": {"name": "default"}}],
    "/api/v1/services": [WEB, HEADLESS],
    "/apis/discovery.k8s.io/v1/endpointslices": [SLICE],
}


class ApiServer:
    """Lists, in pages of one object, and watches whose events tests send."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        self.changed = threading.Condition()
        self.is_gone = False
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        query = parse_qs(url.query)
        with self.changed:
            self.asked.append((url.path, query, request.headers["Authorization"]))
            self.changed.notify_all()
        if "watch" not in query:
            objects = LISTS[url.path]
            page = int(query.get("continue", ["0"])[0])
            rest = str(page + 1) if page + 1 < len(objects) else ""
            body = {
                "metadata": {"resourceVersion": "6", "continue": rest},
                "items": objects[page : page + 1],
            }
            self.reply(request, 200, json.dumps(body).encode())
        elif self.is_gone:
            self.is_gone = False
            self.reply(request, 410, b"{}")
        else:
            request.send_response(200)
            request.end_headers()
            self.watch(request, url.path)

    def watch(self, request: http.server.BaseHTTPRequestHandler, path: str) -> None:
        sent = 0
        while True:
            with self.changed:
                while len(self.events) <= sent:
                    self.changed.wait(30)
                new, sent = self.events[sent:], len(self.events)
            for event in new:
                if event["path"] == path:
                    if event["type"] == "CUT":
                        return
                    request.wfile.write(json.dumps(event).encode() + b"\n")

    def reply(self, request: http.server.BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def send(self, kind: str, obj: dict[str, Any], path: str = "/api/v1/services") -> None:
        with self.changed:
            self.events.append({"type": kind, "object": obj, "path": path})
            self.changed.notify_all()


class Lab:
    """A DNS server in an event loop of its own thread."""

    def __init__(self, api: ApiServer, upstreams: list[str]) -> None:
        self.api = api
        self.zone = coredns.WatchedZone(1)
        self.server = Server(Resolver(self.zone, forwards=True), upstreams, time.monotonic)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.port = self.udp.getsockname()[1]
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        port = api.server.server_address[1]
        receiver = coredns._Receiver(self.loop, self.zone)
        self.reflectors = [
            reflector.Reflector(
                lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=60),
                lambda: "the-token",
                path,
                receiver,
            )
            for path in coredns._PATHS
        ]
        for each in self.reflectors:
            each.start()

    def run(self) -> None:
        async def main() -> None:
            self.ended = asyncio.Event()
            self.server.serve_udp(self.udp)
            await self.server.serve_tcp(self.tcp)
            await self.ended.wait()
            self.server.close(self.tcp)
            self.server.close(self.udp)

        self.loop.run_until_complete(main())

    def dig(self, *argv: str) -> str:
        done = subprocess.run(
            ["dig", "@127.0.0.1", "-p", str(self.port), "+tries=1", "+time=10", *argv],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout

    def until(self, holds: Callable[[], bool]) -> None:
        ends_at = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < ends_at, "it never came"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    if shutil.which("dig") is None:
        pytest.skip("dig is not installed: apt-get install bind9-dnsutils")
    lab = Lab(ApiServer(), [])
    lab.until(lambda: lab.zone.is_synced)
    yield lab
    for each in lab.reflectors:
        each.stop()
    lab.loop.call_soon_threadsafe(lab.ended.set)
    lab.thread.join(20)
    lab.loop.close()
    lab.api.server.shutdown()
    lab.api.server.server_close()


@pytest.mark.parametrize("protocol", ["+notcp", "+tcp"])
def test_dig_gets_what_the_objects_say(lab: Lab, protocol: str):
    assert lab.dig(protocol, "+short", "web.default.svc.cluster.local") == "10.0.0.80\n"
    srv = lab.dig(protocol, "+short", "_http._tcp.web.default.svc.cluster.local", "SRV")
    assert srv == "0 100 80 web.default.svc.cluster.local.\n"
    assert lab.dig(protocol, "+short", "-x", "10.0.0.80") == "web.default.svc.cluster.local.\n"
    assert "status: NXDOMAIN" in lab.dig(protocol, "no.default.svc.cluster.local")


def test_dig_asks_again_over_tcp_when_an_answer_was_cut(lab: Lab):
    assert "Truncated, retrying in TCP" in lab.dig("+bufsize=512", "many.default.svc.cluster.local")
    whole = lab.dig("+short", "+bufsize=512", "many.default.svc.cluster.local").splitlines()
    assert sorted(one for one in whole if one[0] != ";") == sorted(MANY)


def test_what_cannot_be_asked_of_anybody_fails(lab: Lab):
    assert "status: SERVFAIL" in lab.dig("www.example.com")


def test_a_new_service_has_a_name_and_a_deleted_one_has_none(lab: Lab):
    name = "late.default.svc.cluster.local"
    lab.api.send("ADDED", LATE)
    lab.until(lambda: lab.dig("+short", name) == "10.0.0.90\n")
    lab.api.send("DELETED", LATE)
    lab.until(lambda: "NXDOMAIN" in lab.dig(name))


def test_a_watch_that_is_cut_goes_on_where_it_was_and_one_that_is_too_old_lists_again(lab: Lab):
    path = "/api/v1/services"

    def listed() -> int:
        return sum(1 for at, query, _ in lab.api.asked if at == path and "watch" not in query)

    lists = listed()
    lab.api.send("BOOKMARK", {"metadata": {"resourceVersion": "41"}})
    lab.api.send("CUT", {})
    lab.until(lambda: any(query.get("resourceVersion") == ["41"] for _, query, _ in lab.api.asked))
    assert listed() == lists
    lab.api.events.clear()
    lab.api.is_gone = True
    lab.api.send("CUT", {})
    lab.until(lambda: listed() > lists)
    assert lab.dig("+short", "web.default.svc.cluster.local") == "10.0.0.80\n"


def test_the_api_server_sees_the_service_accounts_token(lab: Lab):
    assert {token for _, _, token in lab.api.asked} == {"Bearer the-token"}


def test_metrics_count_questions(lab: Lab):
    text = metrics_text(lab.server)
    assert 'proto="udp"' in text
    assert 'rcode="NXDOMAIN"' in text
    assert "coredns_cache_hits_total" in text


def test_before_it_knows_the_objects_a_name_may_exist():
    zone = coredns.WatchedZone(1)
    answer = zone.answer("web.default.svc.cluster.local", 1)
    assert answer is not None
    assert answer.rcode is Rcode.SERVFAIL
