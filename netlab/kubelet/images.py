"""Container images to the programs that stand for them.

There is no image store: an image name stands for a program that this machine has, or for a
workload that netlab carries. As with real images, a container's ``command`` stands in the place of
the entry point, and its ``args`` in that of the default arguments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from netlab.errors import NetlabError
from netlab.kube.objects import Object
from netlab.model.topology import Topology

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLETS: Final = "/.netlab/applets"
"""Where busybox is to be found by the names of its programs."""
LINKS: Final = "/.netlab/links"
"""Where programs are to be found by names that the machine does not have for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a container of an image runs."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """Default arguments; those of the container stand in their place."""
    built_in: str = ""
    """The workload of netlab's that the entry point is; it listens to these words too."""
    takes_options: bool = False
    """Whether arguments that begin with an option are for the default program."""
    env: Mapping[str, str] = field(default_factory=dict)
    etc: Mapping[str, bytes] = field(default_factory=dict)
    """Files below /etc that the image would bring."""
    package: str = ""
    """The system package that has its program."""
    description: str = ""
    rootfs: str = ""
    """A directory of the host with the root file system; empty for the host's programs."""
    takes_ports: bool = False
    """Whether it is told the container's declared ports: it stands in for an unknown image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a container runs."""

    argv: tuple[str, ...]
    built_in: bool
    image: Image


class ImageError(NetlabError):
    """There is no such image, or this machine lacks its program (ErrImagePull)."""


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
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
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

_MIME_TYPES: Final = b"""\
types {
    text/html html htm;
    text/css css;
    text/plain txt;
    application/javascript js;
    application/json json;
    image/svg+xml svg;
    image/png png;
    image/jpeg jpeg jpg;
    image/gif gif;
    image/x-icon ico;
}
"""
_NGINX: Final = Image(
    command=("nginx", "-g", "daemon off;"),
    etc={
        "nginx/nginx.conf": _NGINX_CONF,
        "nginx/mime.types": _MIME_TYPES,
        "nginx/conf.d/default.conf": _NGINX_DEFAULT_CONF,
    },
    package="nginx",
    description="the system's nginx, on port 80; configured by /etc/nginx/conf.d",
)
_WITH_APPLETS: Final = {"PATH": f"{APPLETS}:{PATH}"}
_CURL: Final = 'if command -v -- "$1" > /dev/null; then exec "$@"; fi; exec curl "$@"'
_ECHO: Final = Image(
    entrypoint=("echo",),
    built_in="echo",
    description="an echo server on port 8080: tells what it saw of a request",
)

IMAGES: Final[Mapping[str, Image]] = {
    "agnhost": Image(
        entrypoint=("/agnhost",),
        command=("pause",),
        built_in="agnhost",
        description="the program of Kubernetes' own tests: netexec, connect, serve-hostname, ...",
    ),
    "alpine": Image(
        command=("sh",),
        env=_WITH_APPLETS,
        package="busybox",
        description="the system's busybox and programs",
    ),
    "busybox": Image(
        command=("sh",),
        env=_WITH_APPLETS,
        package="busybox",
        description="the system's busybox, first in PATH",
    ),
    "busyboxplus": Image(
        command=("sh",),
        env=_WITH_APPLETS,
        package="busybox",
        description="the system's busybox, first in PATH, and curl",
    ),
    "coredns": Image(
        entrypoint=("/coredns",), built_in="coredns", description="the cluster's DNS server"
    ),
    "curl": Image(
        entrypoint=("sh", "-c", _CURL, "curl"),
        command=("curl",),
        package="curl",
        description="the system's curl",
    ),
    "debian": Image(command=("bash",), package="bash", description="the system's programs"),
    "echoserver": _ECHO,
    "haproxy": Image(
        command=("haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"),
        takes_options=True,
        package="haproxy",
        description="the system's HAProxy",
    ),
    "netshoot": Image(
        command=("bash",),
        env={"PATH": f"{PATH}:{APPLETS}"},
        package="bash",
        description="the system's tools for networks; busybox has what is missing",
    ),
    "nginx": _NGINX,
    "nginxhttps": replace(
        _NGINX, description="nginx, for ports 80 and 443: see Connecting Applications with Services"
    ),
    "pause": Image(
        entrypoint=("/pause",), built_in="pause", description="nothing, until it is asked to end"
    ),
    "python": Image(
        command=("python3",),
        env={"PATH": f"{PATH}:{LINKS}"},
        package="python3",
        description="the system's Python",
    ),
    "redis": Image(
        command=("redis-server", "--protected-mode", "no"),
        takes_options=True,
        package="redis-server",
        description="the system's redis, on port 6379",
    ),
    "ubuntu": Image(command=("bash",), package="bash", description="the system's programs"),
}
"""By the last part of the image's name, without tag or digest."""

_STAND_IN: Final = replace(_ECHO, takes_ports=True, description="an echo server that stands in")
UNKNOWN: Final = "unknown"
"""The name under which a topology says what stands in for images that are not known."""


def image_name(image: str) -> str:
    """Return the last part of an image's name.

    >>> image_name("registry.k8s.io/echoserver:1.4")
    'echoserver'
    >>> image_name("localhost:5000/nginx@sha256:0123")
    'nginx'
    """
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def images_of(topology: Topology) -> dict[str, Image]:
    """Return the images that a topology names."""
    return {
        one.name: Image(command=one.command, rootfs=one.rootfs, description="of the topology")
        if one.command or one.rootfs
        else _STAND_IN
        for one in topology.images
    }


def find_image(name: str, more: Mapping[str, Image]) -> Image | None:
    """Return what stands for an image; None when nothing does.

    Args:
        name: As a container has it, with or without registry and tag.
        more: Those of a topology: by full name, without the tag, or by the last part.
    """
    untagged = name.partition("@")[0]
    if ":" in untagged.rpartition("/")[2]:
        untagged = untagged.rpartition(":")[0]
    for spelt in (name, untagged, image_name(name)):
        if spelt in more:
            return more[spelt]
    return IMAGES.get(image_name(name)) or more.get(UNKNOWN)


def program_of(
    name: str,
    command: tuple[str, ...],
    args: tuple[str, ...],
    more: Mapping[str, Image],
    ports: Sequence[int] = (),
) -> Program:
    """Return what a container runs.

    Args:
        name: Its image, as the container has it.
        command: Stands in the place of the image's entry point, if it is not empty.
        args: Stand in the place of the image's arguments, if they are not empty.
        more: Images of the topology.
        ports: The container's declared ports.

    Raises:
        ImageError: netlab has no program for the image, and the container names none.
    """
    image = find_image(name, more)
    if image is None:
        if not command:
            raise unknown_image(name, more)
        image = Image()
    if image.takes_ports:
        # What the real image would be told is nothing to what stands in for it.
        return Program(argv=(image.built_in, *map(str, ports)), built_in=True, image=image)
    if command and not is_workload(image, command[0]):
        return Program(argv=command + args, built_in=False, image=image)
    if image.built_in:
        rest = args or (() if command else image.command)
        return Program(argv=(image.built_in, *command[1:], *rest), built_in=True, image=image)
    default = args or image.command
    if args and image.takes_options and args[0].startswith("-"):
        default = (image.command[0], *args)
    if not image.entrypoint + default:
        raise ImageError(f"image {name} has no command of its own; give the container one")
    return Program(argv=image.entrypoint + default, built_in=False, image=image)


def is_workload(image: Image, program: str) -> bool:
    """Return whether a program is the workload of netlab's that an image stands for.

    The echo server has no path in its image: there, ``echo`` is the machine's as everywhere.

    >>> is_workload(IMAGES["agnhost"], "/agnhost"), is_workload(IMAGES["agnhost"], "agnhost")
    (True, True)
    >>> is_workload(IMAGES["echoserver"], "echo")
    False
    """
    return (
        bool(image.built_in)
        and image.entrypoint[0].startswith("/")
        and image_name(program) == image.built_in
    )


def runs_own_program(image: Image, container: Object) -> bool:
    """Return whether a container runs its image's program, and not one that it names itself."""
    args = list(container.get("args") or ())
    if container.get("command"):
        return False
    takes = image.takes_options and bool(args) and str(args[0]).startswith("-")
    return bool(image.entrypoint or not args or takes)


def unknown_image(name: str, more: Mapping[str, Image]) -> ImageError:
    """Return the refusal of an image that nothing stands for: what there is, and how to add one."""
    known = ", ".join(sorted({*IMAGES, *more} - {UNKNOWN}))
    return ImageError(
        f"netlab has no program for image {name}; it knows {known}; give the container a command, "
        f"or the topology's spec.images an entry: {image_name(name)}: {{command: [PROGRAM]}}, with "
        "rootfs: DIRECTORY if it is to have a root file system of its own"
    )


def require_rootfs(name: str, rootfs: str) -> None:
    """Make sure that the root file system of an image is there, if it has one of its own.

    Raises:
        ImageError: It is not.
    """
    if rootfs and not Path(rootfs).is_dir():
        raise ImageError(
            f"image {name} has the root file system {rootfs}, which is no directory here"
        )


def missing_program(name: str, image: Image, reason: str) -> ImageError:
    """Return the refusal of an image whose program this machine lacks."""
    hint = f": apt-get install {image.package}" if image.package else ""
    return ImageError(f"image {name} stands for a program that is not there: {reason}{hint}")
