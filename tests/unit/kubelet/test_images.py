import pytest

from netlab.kubelet.images import IMAGES, image_name, program_of

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
        pytest.param(NGINX, (), (), ("/usr/sbin/nginx", "-g", "daemon off;"), id="the image's own"),
        pytest.param(NGINX, (), ("-t",), ("/usr/sbin/nginx", "-t"), id="arguments of its own"),
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
    program = program_of(image, command, args)
    assert program
    assert program.argv == argv


def test_a_command_is_a_program_and_keeps_the_images_files():
    program = program_of("nginx", ("nginx-debug",), ())
    assert program
    assert not program.built_in
    assert program.etc == IMAGES["nginx"].etc


def test_an_unknown_image_without_a_command_is_nothing():
    assert program_of("example.com/app:1", (), ("--flag",)) is None
