from dataclasses import replace

import pytest

from netlab.kubelet.images import (
    IMAGES,
    Image,
    ImageError,
    find_image,
    image_name,
    images_of,
    missing_program,
    program_of,
)
from netlab.model.topology import Topology, TopologyImage

NGINX = "docker.io/library/nginx:1.27"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "nginx"),
        ("nginx:1.27", "nginx"),
        ("registry.k8s.io/echoserver:1.4", "echoserver"),
        ("localhost:5000/nginx", "nginx"),
        ("localhost:5000/a/b/busybox:1@sha256:0123", "busybox"),
        ("", ""),
    ],
)
def test_an_image_is_known_by_the_last_part_of_its_name(image: str, name: str):
    assert image_name(image) == name


@pytest.mark.parametrize(
    ("image", "command", "args", "argv"),
    [
        pytest.param(NGINX, (), (), ("nginx", "-g", "daemon off;"), id="the image's own"),
        pytest.param(NGINX, (), ("nginx", "-t"), ("nginx", "-t"), id="arguments of its own"),
        pytest.param(
            "redis:7",
            (),
            ("--appendonly", "yes"),
            ("redis-server", "--appendonly", "yes"),
            id="options for the default program",
        ),
        pytest.param("redis", (), ("redis-cli", "PING"), ("redis-cli", "PING"), id="another one"),
        pytest.param("agnhost", (), (), ("agnhost", "pause"), id="agnhost's default"),
        pytest.param(NGINX, ("sh", "-c"), ("true",), ("sh", "-c", "true"), id="a command"),
        pytest.param("unknown", ("sleep", "1"), (), ("sleep", "1"), id="a command of any image"),
        pytest.param("echoserver:1.4", (), (), ("echo",), id="the echo server"),
        pytest.param("agnhost:2.39", (), ("netexec",), ("agnhost", "netexec"), id="agnhost"),
        pytest.param(
            "agnhost:2.39", ("/agnhost", "porter"), (), ("agnhost", "porter"), id="its program"
        ),
        pytest.param("agnhost:2.39", ("sh",), ("-c",), ("sh", "-c"), id="another than its program"),
        pytest.param("registry.k8s.io/pause:3.9", (), (), ("pause",), id="a pause"),
    ],
)
def test_what_a_container_runs(
    image: str, command: tuple[str, ...], args: tuple[str, ...], argv: tuple[str, ...]
):
    assert program_of(image, command, args, {}).argv == argv


def test_a_command_is_a_program_and_keeps_the_images_files():
    program = program_of("nginx", ("nginx-debug",), (), {})
    assert not program.built_in
    assert program.image.etc == IMAGES["nginx"].etc


def test_echo_is_the_machines_program_even_where_an_echo_server_runs():
    program = program_of("registry.k8s.io/echoserver:1.4", ("echo", "hello"), (), {})
    assert (program.argv, program.built_in) == (("echo", "hello"), False)


def test_an_unknown_image_without_a_command_is_refused_with_what_there_is_and_how_to_add_one():
    with pytest.raises(ImageError) as refused:
        program_of("example.com/app:1", (), ("--flag",), {})
    for words in ("image example.com/app:1", "agnhost, alpine, busybox", "app: {command:"):
        assert words in str(refused.value)


def test_a_topology_adds_images_and_stands_in_for_unknown_ones():
    mine, other = Image(command=("mine",)), Image(command=("other",))
    more = {"example.com/mine": mine, "redis": other}
    assert find_image("example.com/mine:2", more) is mine
    assert find_image("docker.io/redis:7", more) is other
    assert find_image("example.com/app", more) is None
    assert find_image("example.com/app", {**more, "unknown": other}) is other
    assert find_image("nginx", {"unknown": other}) is IMAGES["nginx"]


def test_a_stand_in_serves_the_ports_that_the_container_declares(topology: Topology):
    more = images_of(replace(topology, images=(TopologyImage(name="unknown", command=()),)))
    program = program_of("acme/app", ("run",), ("--fast",), more, (80, 443))
    assert (program.argv, program.built_in) == (("echo", "80", "443"), True)
    assert program_of("nginx", (), (), more, (80,)).argv[0] == "nginx"


def test_a_missing_program_names_the_package():
    refused = missing_program("nginx:1.27", IMAGES["nginx"], "nginx: No such file or directory")
    assert str(refused).endswith("nginx: No such file or directory: apt-get install nginx")


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_runs_something_and_says_what(name: str):
    assert program_of(name, (), (), {}).argv
    assert IMAGES[name].description
