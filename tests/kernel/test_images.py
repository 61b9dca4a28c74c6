"""What an image name runs: each that the tutorials and people's files name, in a real pod."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

AGNHOST: Final = "registry.k8s.io/e2e-test-images/agnhost:2.53"
SERVERS: Final = {
    "echo": ("gcr.io/google_containers/echoserver:1.8", (), "http://{}:8080", "client_address="),
    "nginx": ("nginx:1.27", (), "http://{}", "Welcome to nginx"),
    "https": ("bprashanth/nginxhttps:1.0", (), "http://{}", "Welcome to nginx"),
    "netexec": (AGNHOST, ("netexec",), "http://{}:8080/hostname", "netexec"),
    "hostname": (AGNHOST, ("serve-hostname",), "http://{}:9376", "hostname"),
    "python": ("python:3", ("python", "-m", "http.server", "80"), "http://{}", "Directory listing"),
    "pong": ("docker.io/library/redis:7", (), "telnet://{}:6379", "PONG"),
}
"""Image, arguments, what to call and what it answers with."""
SHELLS: Final = {
    "busybox": ("busybox", "busybox nslookup 2>&1", "BusyBox"),
    "busyboxplus": ("radial/busyboxplus:curl", "which curl wget nslookup", "curl"),
    "alpine": ("alpine:3", "which wget", "wget"),
    "debian": ("debian:12", "echo $BASH_VERSION; bash --version", "GNU bash"),
    "ubuntu": ("ubuntu", "bash --version", "GNU bash"),
    "netshoot": ("nicolaka/netshoot", "which nc traceroute ip", "/nc"),
    "curl": ("curlimages/curl", "curl --version", "libcurl"),
    "haproxy": ("haproxy:lts", "haproxy -v", "HAProxy version"),
    "pause": ("registry.k8s.io/pause:3.9", "echo here", "here"),
}
"""Image, a line of sh, and what it prints."""


def pod(name: str, image: str, **fields: object) -> str:
    lines = "".join(f"      {key}: {value!r}\n" for key, value in fields.items())
    return (
        f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n"
        f"    - name: c\n      image: {image!r}\n{lines}"
    )


def root_file_system(path: Path) -> Path:
    """Make the smallest one: busybox, with what it is linked to."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("this machine has no busybox: apt-get install busybox")
    linked = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+)", linked):
        target = path / library.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    (path / "bin").mkdir(exist_ok=True)
    shutil.copy(busybox, path / "bin/busybox")
    for name in ("sh", "cat", "sleep", "touch", "ls"):
        (path / "bin" / name).symlink_to("busybox")
    (path / "etc").mkdir()
    (path / "etc/release").write_text("mine\n")
    # As many have it: it leads nowhere here.
    (path / "etc/resolv.conf").symlink_to("/run/systemd/resolve/stub-resolv.conf")
    return path


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = root_file_system(tmp_path_factory.mktemp("root"))
    images = (
        f"{{mine: {{rootfs: {root}, command: [sleep, '1000']}}, bare: {{rootfs: {root}}},"
        f" gone: {{rootfs: {root}/gone, command: [sh]}}}}"
    )
    topology = (
        "apiVersion: netlab/v1\nkind: Topology\nmetadata: {name: images}\n"
        f"spec: {{nodes: 1, dns: {{}}, images: {images}}}\n"
    )
    pods = [pod(name, image, args=list(args)) for name, (image, args, _, _) in SERVERS.items()]
    pods += [pod(name, image, command=["sleep", "1000"]) for name, (image, _, _) in SHELLS.items()]
    pods += [
        pod("mine", "mine"),
        pod("bare", "bare"),
        pod("gone", "gone"),
        pod("told", "example.com/bare:2", command=["sleep", "1000"]),
    ]
    made = make_lab()
    done = made.run("up", "-", text=topology + "".join(pods))
    assert done.returncode == 0, done.stderr
    yield made
    made.down()


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_answers(lab: Lab, name: str):
    _, _, url, answer = SERVERS[name]
    wait_for(lambda: lab.get("pod", name)["status"]["phase"] == "Running")
    address = lab.get("pod", name)["status"]["podIP"]
    command = f"(echo PING; sleep 0.3) | curl -s --max-time 5 {url.format(address)}"
    wait_for(lambda: answer in lab.inside("node1", "sh", "-c", command).stdout)


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_has_the_programs_of_its_image(lab: Lab, name: str):
    _, line, answer = SHELLS[name]
    wait_for(lambda: lab.get("pod", name)["status"]["phase"] == "Running")
    assert answer in lab.inside(name, "sh", "-c", line).stdout


def test_an_image_has_a_root_file_system_of_its_own_and_writes_to_a_copy(lab: Lab):
    wait_for(lambda: lab.get("pod", "mine")["status"]["phase"] == "Running")
    assert lab.inside("mine", "cat", "/etc/release").stdout == "mine\n"
    assert "nameserver 10.0.0.10" in lab.inside("mine", "cat", "/etc/resolv.conf").stdout
    assert "usr" not in lab.inside("mine", "ls", "/").stdout.split()
    assert lab.inside("mine", "touch", "/bin/sh2").returncode == 0
    wait_for(lambda: lab.get("pod", "told")["status"]["phase"] == "Running")
    assert "sh2" not in lab.inside("told", "ls", "/bin").stdout.split()
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert lab.inside("told", "cat", f"{account}/namespace").stdout == "default"


@pytest.mark.parametrize(
    "reason",
    ["gone, which is no directory here", "image bare has no command of its own"],
)
def test_an_image_without_root_or_command_says_what_it_lacks(lab: Lab, reason: str):
    wait_for(lambda: reason in lab.run("get", "events").stdout)


def test_images_lists_those_of_the_lab(lab: Lab):
    rows = {line.split()[0]: line for line in lab.run("images").stdout.splitlines()}
    assert "sleep 1000, in /" in rows["mine"]
    assert rows["gone"].split("no directory ")[1].startswith("/")
    assert rows["nginx"].endswith("yes")


def test_an_echo_server_stands_in_for_an_unknown_image_and_is_said_to(lab: Lab):
    """The last test of the module: the lab is another one afterwards."""
    text = "apiVersion: netlab/v1\nkind: Topology\nmetadata: {name: shop}\nspec: {nodes: 1}\n"
    ports = [{"containerPort": 9090}]
    done = lab.run("up", "-", "--stand-in", text=text + pod("shop", "acme/shop:1", ports=ports))
    assert done.returncode == 0, done.stderr
    wait_for(lambda: lab.get("pod", "shop")["status"]["phase"] == "Running")
    address = lab.get("pod", "shop")["status"]["podIP"]
    wait_for(lambda: "CLIENT VALUES" in lab.fetch("node1", f"http://{address}:9090"))
    said = "image acme/shop:1: an echo server stands in for it in 1 pod"
    assert f"stand-in: {said}\n" in lab.run("status").stdout
    assert lab.run("get", "pods").stderr == f"Note: {said}\n"
    assert "an echo server stands in for it" in lab.run("get", "events").stdout
