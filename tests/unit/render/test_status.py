from dataclasses import replace

from netlab.model.status import HostStatus, LabStatus, ServiceStatus, Usage
from netlab.render.status import render_status

NODE = HostStatus(
    name="node1",
    kind="node",
    addresses=("10.240.0.3", "10.244.1.1"),
    node="",
    usage=Usage(),
)
POD = HostStatus(
    name="web-1",
    kind="pod",
    addresses=("10.244.1.2",),
    node="node1",
    usage=Usage(pids=(11, 12, 13, 14, 15), cpu_s=0.126, memory_bytes=3 << 19),
)
SERVICE = ServiceStatus(
    name="nodeport",
    type="NodePort",
    cluster_ip="10.0.0.9",
    cluster_ips=("10.0.0.9",),
    ports=("80:31704/TCP", "53/UDP"),
    policy="Cluster",
    endpoints=tuple(f"10.244.1.{host}:8080" for host in range(2, 7)),
)
LAB = LabStatus(
    lab="default",
    state="up",
    topology="source-ip",
    proxy_mode="nftables",
    hosts=(NODE, POD),
    services=(SERVICE, replace(SERVICE, name="empty", policy="", endpoints=())),
    control_plane=Usage(pids=(7, 8), cpu_s=1.5, memory_bytes=20 << 20),
)


def test_a_lab_that_is_up():
    assert render_status(LAB, is_wide=False).split("\n") == [
        "lab default: up, topology source-ip, kube-proxy in nftables mode",
        "control plane: pid 7,8, 1.50s CPU, 20.0MiB; the whole lab: 21.5MiB",
        "",
        "HOST    KIND   ADDRESS      NODE    PIDS             CPU     MEMORY",
        "node1   node   10.240.0.3   -       -                -       -",
        "web-1   pod    10.244.1.2   node1   11,12,13,14...   0.13s   1.5MiB",
        "",
        "SERVICE    TYPE       CLUSTER-IP   PORTS                 POLICY    ENDPOINTS",
        (
            "nodeport   NodePort   10.0.0.9     80:31704/TCP,53/UDP   Cluster   "
            "10.244.1.2:8080,10.244.1.3:8080,10.244.1.4:8080 + 2 more"
        ),
        "empty      NodePort   10.0.0.9     80:31704/TCP,53/UDP   -         <none>",
    ]


def test_wide_leaves_nothing_out():
    text = render_status(LAB, is_wide=True)
    assert "10.240.0.3,10.244.1.1" in text
    assert "11,12,13,14,15" in text
    assert ",".join(SERVICE.endpoints) in text
    assert "more" not in text


DUAL = replace(
    LAB,
    hosts=(
        replace(NODE, addresses=("10.240.0.3", "fd00:10:240::3", "10.244.1.1", "fd00:10:244:1::1")),
        replace(POD, addresses=("10.244.1.2", "fd00:10:244:1::2")),
    ),
    services=(
        replace(
            SERVICE,
            cluster_ips=("10.0.25.229", "fd00:10:96::8209"),
            ports=("80:31704/TCP",),
            endpoints=("10.244.1.2:8080", "[fd00:10:244:1::2]:8080"),
        ),
    ),
)


def test_a_second_family_stands_below_the_main_one():
    assert render_status(DUAL, is_wide=False).split("\n")[3:] == [
        "HOST    KIND   ADDRESS            NODE    PIDS             CPU     MEMORY",
        "node1   node   10.240.0.3         -       -                -       -",
        "               fd00:10:240::3",
        "web-1   pod    10.244.1.2         node1   11,12,13,14...   0.13s   1.5MiB",
        "               fd00:10:244:1::2",
        "",
        "SERVICE    TYPE       CLUSTER-IP         PORTS          POLICY    ENDPOINTS",
        "nodeport   NodePort   10.0.25.229        80:31704/TCP   Cluster   10.244.1.2:8080",
        "                      fd00:10:96::8209                            [fd00:10:244:1::2]:8080",
    ]


def test_wide_has_a_line_for_both_families():
    text = render_status(DUAL, is_wide=True)
    assert "10.0.25.229,fd00:10:96::8209" in text
    assert "10.244.1.2:8080,[fd00:10:244:1::2]:8080" in text


def test_what_does_not_fit_a_terminal_is_left_out():
    node, pod = DUAL.hosts
    long = replace(DUAL, hosts=(node, replace(pod, name="source-ip-app-746d9df86c-cvrx5")))
    text = render_status(long, is_wide=False, width=80)
    assert max(map(len, text.split("\n"))) <= 80
    assert text.split("\n")[3:] == [
        "HOST                             KIND   ADDRESS            NODE    MEMORY",
        "node1                            node   10.240.0.3         -       -",
        "                                        fd00:10:240::3",
        "source-ip-app-746d9df86c-cvrx5   pod    10.244.1.2         node1   1.5MiB",
        "                                        fd00:10:244:1::2",
        "",
        "SERVICE    TYPE       CLUSTER-IP         PORTS          POLICY    ENDPOINTS",
        "nodeport   NodePort   10.0.25.229        80:31704/TCP   Cluster   1 ready",
        "                      fd00:10:96::8209                            1 ready",
    ]


def test_what_fits_a_terminal_is_all_there():
    assert render_status(DUAL, is_wide=False, width=120) == render_status(DUAL, is_wide=False)


def test_a_headless_service_shows_its_endpoints():
    headless = replace(SERVICE, cluster_ip="None", cluster_ips=())
    text = render_status(replace(LAB, services=(headless,)), is_wide=False)
    assert text.splitlines()[-1] == (
        "nodeport   NodePort   None         80:31704/TCP,53/UDP   Cluster   "
        "10.244.1.2:8080,10.244.1.3:8080,10.244.1.4:8080 + 2 more"
    )


def test_what_is_wrong_and_what_to_type_come_first():
    lost = LabStatus(
        lab="b",
        state="lost",
        control_plane=Usage(),
        problems=("its namespaces are gone", "and so is its router"),
        advice="sudo netlab up --lab b",
    )
    assert render_status(lost, is_wide=False).split("\n") == [
        "lab b: lost",
        "problem: its namespaces are gone",
        "problem: and so is its router",
        "type: sudo netlab up --lab b",
    ]


def test_addresses_of_balancers_have_a_column_where_a_service_has_one():
    vip = replace(SERVICE, name="web", type="LoadBalancer", external_ips=("203.0.113.1",))
    pending = replace(vip, name="waits", external_ips=("<pending>",))
    text = render_status(replace(LAB, services=(SERVICE, vip, pending)), is_wide=True)
    cells = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert cells["SERVICE"][3] == "EXTERNAL-IP"
    assert [cells[name][3] for name in ("nodeport", "web", "waits")] == [
        "-",
        "203.0.113.1",
        "<pending>",
    ]
