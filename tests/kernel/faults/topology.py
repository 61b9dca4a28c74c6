"""The lab that is broken: two nodes, a server of TCP and of UDP on node1, callers on both."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variant:
    """One kind of lab."""

    mode: str
    """``iptables`` or ``nftables``."""
    cni: str
    """``ptp`` or ``bridge``."""

    def __str__(self) -> str:
        """Return both, as a test's name has them."""
        return f"{self.mode}-{self.cni}"


VARIANTS = tuple(
    Variant(mode, cni) for mode in ("iptables", "nftables") for cni in ("ptp", "bridge")
)

HEAD = """\
apiVersion: netlab/v1
kind: Topology
metadata: {{name: faults}}
spec:
  ipFamilies: [IPv4, IPv6]
  nodes: 2
  proxy:
    mode: {mode}
    nodePortAddresses: [10.240.0.0/24, 127.0.0.0/8, "fd00:10:240::/64"]
  cni: {cni}
"""

POD = """\
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {app}}}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 0
  containers: [{{name: main, image: "{image}"}}]
"""

UDP = """\
---
apiVersion: v1
kind: Pod
metadata: {name: udp-1, labels: {app: udp}}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 0
  containers:
    - name: udp
      image: docker.io/library/python:3
      command: [python3, -u, -c]
      args:
        - |
          import socket
          server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
          server.bind(("::", 9000))
          while True:
              caller = server.recvfrom(65535)[1]
              try:
                  server.sendto(b"here", caller)
              except OSError:
                  pass
"""

PROGRAM = """\
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}-1, labels: {{app: {name}}}}}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: docker.io/library/python:3
      command: [python3, -u, -c]
      args:
        - |
          import signal, socket
          server = socket.create_server(("{address}", 8080), {options})
          {then}
          signal.pause()
"""
"""A program that listens, and never accepts."""

FULL = "waiting = socket.create_connection(('127.0.0.1', 8080))"
"""With a backlog of 0 there is room for one connection."""

UNREADY = """\
---
apiVersion: v1
kind: Pod
metadata: {name: unready-1, labels: {app: unready}}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: "registry.k8s.io/echoserver:1.4"
      readinessProbe: {tcpSocket: {port: 9}}
"""

FENCED = """\
---
apiVersion: v1
kind: Service
metadata: {name: fenced}
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  loadBalancerSourceRanges: [203.0.113.128/25, "2001:db8:99::/64"]
  ports: [{port: 80, targetPort: 8080, nodePort: 30104}]
"""

UNBALANCED = """\
---
apiVersion: v1
kind: Service
metadata: {name: unbalanced}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  ipFamilyPolicy: RequireDualStack
  selector: {app: nobody}
  healthCheckNodePort: 30111
  ports: [{port: 80, targetPort: 8080, nodePort: 30110}]
"""

SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  type: {kind}
  ipFamilyPolicy: RequireDualStack
  selector: {{app: {app}}}
  {policy}
  ports: [{{port: {port}, targetPort: {target}, protocol: {protocol}{node_port}}}]
"""


def _service(
    name: str,
    app: str,
    node_port: int = 0,
    *,
    policy: str = "",
    target: int = 8080,
    protocol: str = "TCP",
) -> str:
    return SERVICE.format(
        name=name,
        app=app,
        kind="NodePort" if node_port else "ClusterIP",
        policy=policy,
        port=80 if protocol == "TCP" else 9000,
        target=target,
        protocol=protocol,
        node_port=f", nodePort: {node_port}" if node_port else "",
    )


def topology(variant: Variant) -> str:
    """Return the lab as a file."""
    pause, echo = "registry.k8s.io/pause:3.9", "registry.k8s.io/echoserver:1.4"
    return "".join(
        [
            HEAD.format(mode=variant.mode, cni=variant.cni),
            POD.format(name="web-1", app="web", node="node1", image=echo),
            POD.format(name="caller-1", app="caller", node="node1", image=pause),
            POD.format(name="caller-2", app="caller", node="node2", image=pause),
            UDP,
            _service("web", "web", 30100),
            _service("local", "web", 30101, policy="externalTrafficPolicy: Local"),
            _service("inside", "web", policy="internalTrafficPolicy: Local"),
            _service("empty", "nobody", 30103),
            _service("udp", "udp", 30109, target=9000, protocol="UDP"),
        ]
    )


def unanswered_services() -> str:
    """Return pods and Services that nothing answers for, which ``up`` would wait for."""
    loop = PROGRAM.format(name="loop", address="127.0.0.1", options="backlog=5", then="pass")
    full = PROGRAM.format(
        name="full",
        address="::",
        options="family=socket.AF_INET6, backlog=0, dualstack_ipv6=True",
        then=FULL,
    )
    return "".join(
        [
            loop,
            full,
            UNREADY,
            FENCED,
            UNBALANCED,
            _service("wrongport", "web", 30102, target=8099),
            _service("unready", "unready", 30105),
            _service("loop", "loop", 30107),
            _service("full", "full", 30108),
        ]
    ).removeprefix("---\n")
