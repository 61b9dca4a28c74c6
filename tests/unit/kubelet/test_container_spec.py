from ipaddress import ip_address

import pytest

from netlab.kube.objects import Object
from netlab.kubelet.container_spec import container_of, may_run, placement_of
from netlab.kubelet.etc_files import hostname_of
from netlab.kubelet.images import ImageError
from netlab.kubelet.runtime.container import Container
from netlab.model.pods import PodPlacement
from netlab.model.topology import Topology
from tests.unit.kubelet.samples import sources_of

ADDRESS = "10.244.1.2"
UID = "b5c6"
ECHO: Object = {"name": "echo", "image": "registry.k8s.io/echoserver:1.4"}


def pod(name: str = "web-1", *, spec: Object | None = None, status: Object | None = None) -> Object:
    return {
        "metadata": {"name": name, "namespace": "prod", "uid": UID},
        "spec": {"nodeName": "node1", "containers": [ECHO], **(spec or {})},
        "status": {"podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}], **(status or {})},
    }


def container(topology: Topology, spec: Object, obj: Object | None = None) -> Container:
    return container_of("default", obj or pod(), spec, 0, sources_of(topology))


def test_a_pod_with_a_node_and_an_address_has_a_place():
    assert placement_of(pod()) == PodPlacement(
        namespace="prod", name="web-1", node="node1", addresses=(ip_address(ADDRESS),)
    )


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(pod(spec={"nodeName": ""}), id="no node yet"),
        pytest.param(pod(status={"podIP": "", "podIPs": []}), id="no address yet"),
        pytest.param({"metadata": {"name": "x"}}, id="nothing but a name"),
    ],
)
def test_a_pod_without_either_has_none(obj: Object):
    assert placement_of(obj) is None


@pytest.mark.parametrize(
    ("phase", "deleted", "runs"),
    [
        ("Pending", False, True),
        ("Running", False, True),
        ("Running", True, False),
        ("Succeeded", False, False),
        ("Failed", False, False),
    ],
)
def test_which_pods_run_their_containers(phase: str, deleted: bool, runs: bool):
    obj = pod(status={"phase": phase})
    if deleted:
        obj["metadata"] = {**obj["metadata"], "deletionTimestamp": "2027-01-15T08:00:00Z"}
    assert may_run(obj) is runs


@pytest.mark.parametrize(
    ("obj", "hostname"),
    [
        pytest.param(pod(), "web-1", id="the pod's name"),
        pytest.param(pod("a" * 62 + "bcd"), "a" * 62 + "b", id="cut at what a host name takes"),
        pytest.param(pod(spec={"hostname": "other"}), "other", id="one of its own"),
    ],
)
def test_the_name_that_processes_see(obj: Object, hostname: str):
    assert hostname_of(obj) == hostname


def test_what_a_container_is_started_with(topology: Topology):
    found = container(topology, {**ECHO, "workingDir": "/srv"})
    assert found.netns == "netlab-default-prod.web-1"
    assert (found.process.argv, found.built_in) == (("echo",), True)
    assert found.process.working_directory == "/srv"
    assert found.directory.endswith(f"/default/pods/{UID}/echo")


def test_etc_is_what_the_kubelet_writes(topology: Topology):
    etc = container(topology, ECHO).etc
    assert etc["hostname"] == b"web-1\n"
    assert b"10.244.1.2\tweb-1\n" in etc["hosts"]
    assert b"127.0.0.1\tlocalhost\n" in etc["hosts"]
    assert etc["resolv.conf"] == (
        b"search prod.svc.cluster.local svc.cluster.local cluster.local\n"
        b"nameserver 10.0.0.10\n"
        b"options ndots:5\n"
    )


def test_an_images_files_are_added(topology: Topology):
    etc = container(topology, {"name": "n", "image": "nginx"}).etc
    assert b"listen 80;" in etc["nginx/conf.d/default.conf"]


def test_the_environment_is_the_images_and_the_containers_own(topology: Topology):
    env = [{"name": "HOME", "value": "/srv"}, {"name": "EMPTY"}, {"name": "N", "value": "1"}]
    found = container(topology, {**ECHO, "env": env}).process.env
    assert found["PATH"].startswith("/usr/local/sbin:")
    assert (found["HOSTNAME"], found["HOME"], found["EMPTY"], found["N"]) == (
        "web-1",
        "/srv",
        "",
        "1",
    )


def test_nothing_of_the_hosts_environment_gets_in(
    topology: Topology, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET", "x")
    assert "SECRET" not in container(topology, ECHO).process.env


def test_an_unknown_image_is_refused_with_what_to_do(topology: Topology):
    with pytest.raises(
        ImageError, match=r"no program for image example.*give the container a comm"
    ):
        container(topology, {"name": "a", "image": "example.com/app"})
