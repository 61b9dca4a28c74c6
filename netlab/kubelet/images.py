"""Container images to the programs that stand for them.

There is no image store: an image name stands for a program that this machine has, or for a
workload that netlab carries. A container with a command runs that, whatever its image.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a container of an image runs."""

    argv: tuple[str, ...]
    built_in: bool = False
    etc: Mapping[str, bytes] = field(default_factory=dict)
    """Files below /etc that the image would bring."""
    package: str = ""
    """The system package that has the program."""


_NGINX_CONF: Final = b"""\
user nobody nogroup;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 512; }
http {
    access_log /dev/stdout;
    client_body_temp_path /tmp/client_body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    default_type text/html;
    include /etc/nginx/conf.d/*.conf;
}
"""
_NGINX_DEFAULT_CONF: Final = b"""\
server {
    listen 80;
    server_name localhost;
    location / {
        root /usr/share/nginx/html;
        index index.html;
    }
}
"""

_ECHO: Final = Program(argv=("echo",), built_in=True)
IMAGES: Final[Mapping[str, Program]] = {
    "agnhost": Program(argv=("agnhost",), built_in=True),
    "coredns": Program(argv=("coredns",), built_in=True),
    "echoserver": _ECHO,
    "nginx": Program(
        argv=("/usr/sbin/nginx", "-g", "daemon off;"),
        etc={
            "nginx/nginx.conf": _NGINX_CONF,
            "nginx/conf.d/default.conf": _NGINX_DEFAULT_CONF,
        },
        package="nginx",
    ),
    "pause": Program(argv=("pause",), built_in=True),
    "busybox": Program(argv=("busybox", "sh"), package="busybox"),
}
"""By the last part of the image's name, without tag or digest."""


def image_name(image: str) -> str:
    """Return the last part of an image's name.

    >>> image_name("registry.k8s.io/echoserver:1.4")
    'echoserver'
    >>> image_name("localhost:5000/nginx@sha256:0123")
    'nginx'
    """
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def program_of(image: str, command: tuple[str, ...], args: tuple[str, ...]) -> Program | None:
    """Return what a container runs; None for an image that netlab has no program for.

    Args:
        image: As the container has it.
        command: Stands in the place of the image's program, if it is not empty.
        args: Stand in the place of the program's arguments, if they are not empty.
    """
    program = IMAGES.get(image_name(image))
    if (
        program is not None
        and program.built_in
        and image_name(command[0] if command else "")
        in {
            "",
            program.argv[0],
        }
    ):
        argv = (program.argv[0], *command[1:], *args)
        return Program(argv=argv, built_in=True, etc=program.etc)
    if command:
        files = program.etc if program else {}
        return Program(argv=command + args, etc=files)
    if program is None or not args:
        return program
    return Program(argv=(program.argv[0], *args), etc=program.etc, package=program.package)
