"""Pod objects to the containers that the runtime starts."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from netlab.kube.objects import (
    Object,
    is_terminating,
    items_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from netlab.kube.quantity import parse_quantity
from netlab.kubelet.env import environment
from netlab.kubelet.etc_files import etc_files, hostname_of
from netlab.kubelet.expansion import expanded
from netlab.kubelet.images import Program, find_image, is_workload, program_of
from netlab.kubelet.runtime.container import NODE_ROOT, Container, Mount, Process
from netlab.kubelet.security import credentials
from netlab.kubelet.sources import CreateContainerConfigError, Sources
from netlab.kubelet.volumes import (
    API_ACCESS,
    SERVICE_ACCOUNT,
    has_api_access,
    is_node_root,
    volumes_of,
)
from netlab.model.addresses import require_ip
from netlab.model.names import NetnsName, file_name, host_netns, pod_netns
from netlab.model.pods import PodPlacement
from netlab.model.rundir import pod_directory

_VOLUMES: Final = "volumes"


def is_placed(pod: Object) -> bool:
    """Return whether a pod has a node and an address.

    Raises:
        ValueError: What stands for an address is none.
    """
    addresses = [require_ip(entry["ip"]) for entry in items_of(status_of(pod), "podIPs")]
    return bool(spec_of(pod).get("nodeName") and addresses)


def placement_of(pod: Object) -> PodPlacement | None:
    """Return where a pod lies that has a network of its own; None while it has no address.

    Raises:
        ValueError: An address is none, or no namespace can have the pod's name.
    """
    if not is_placed(pod) or spec_of(pod).get("hostNetwork"):
        return None
    file_name(f"{namespace_of(pod)}.{name_of(pod)}")
    return PodPlacement(
        namespace=namespace_of(pod),
        name=name_of(pod),
        node=spec_of(pod)["nodeName"],
        addresses=tuple(require_ip(entry["ip"]) for entry in items_of(status_of(pod), "podIPs")),
    )


def netns_of(lab: str, pod: Object) -> NetnsName:
    """Return the network namespace that a pod's containers run in."""
    if spec_of(pod).get("hostNetwork"):
        return host_netns(lab, spec_of(pod)["nodeName"])
    return pod_netns(lab, namespace_of(pod), name_of(pod))


def may_run(pod: Object) -> bool:
    """Return whether the pod's containers are to run (again)."""
    finished = status_of(pod).get("phase") in {"Succeeded", "Failed"}
    return not (is_terminating(pod) or finished)


def container_of(
    lab: str, pod: Object, spec: Object, restart_count: int, sources: Sources
) -> Container:
    """Return what to start for one container of a pod.

    Raises:
        ImageError: netlab has no program for the image.
        CreateContainerConfigError: What it refers to is not there, or a lab does not give it.
    """
    program = _program(spec, sources)
    return Container(
        netns=netns_of(lab, pod),
        hostname=hostname_of(pod),
        process=_process(pod, spec, program, sources),
        built_in=program.built_in,
        rootfs=program.image.rootfs,
        directory=container_directory(lab, pod, spec["name"]),
        restart_count=restart_count,
        etc={**etc_files(pod, sources.topology), **program.image.etc},
        mounts=tuple(_mounts(lab, pod, spec, sources)),
        read_only_root=bool((spec.get("securityContext") or {}).get("readOnlyRootFilesystem")),
        stdin=bool(spec.get("stdin")),
        stdin_once=bool(spec.get("stdinOnce")),
        tty=bool(spec.get("tty")),
        pod_uid=uid_of(pod),
        termination_log=_termination_log(spec),
        limits=_limits(pod),
    )


def process_of(pod: Object, spec: Object, sources: Sources) -> Process:
    """Return a container's process: its program, environment and rights.

    Raises:
        ImageError: netlab has no program for the image.
        CreateContainerConfigError: What it refers to is not there, or a lab does not give it.
    """
    return _process(pod, spec, _program(spec, sources), sources)


def is_stand_in(spec: Object, sources: Sources) -> bool:
    """Return whether something else runs in the place of a container's unknown image."""
    image = find_image(spec.get("image", ""), sources.images)
    return image is not None and image.takes_ports


def is_built_in(spec: Object, program: str, sources: Sources) -> bool:
    """Return whether a program is the workload that a container's image stands for."""
    image = find_image(spec.get("image", ""), sources.images)
    return image is not None and is_workload(image, program)


def container_directory(lab: str, pod: Object, container: str) -> str:
    """Return the directory, on the host, of a container's streams and logs."""
    return str(pod_directory(lab, uid_of(pod)) / file_name(container))


def volume_directory(lab: str, pod: Object, volume: str) -> str:
    """Return the directory, on the host, of a volume's files."""
    return str(pod_directory(lab, uid_of(pod)) / _VOLUMES / file_name(volume))


def _program(spec: Object, sources: Sources) -> Program:
    command, args = tuple(spec.get("command") or ()), tuple(spec.get("args") or ())
    ports = [one["containerPort"] for one in items_of(spec, "ports") if _is_tcp(one)]
    return program_of(spec.get("image", ""), command, args, sources.images, ports)


def _is_tcp(port: Object) -> bool:
    return str(port.get("protocol", "TCP")) == "TCP"


def _process(pod: Object, spec: Object, program: Program, sources: Sources) -> Process:
    image = {"HOSTNAME": hostname_of(pod), **program.image.env}
    if spec.get("tty"):
        image["TERM"] = "xterm"
    found = environment(pod, spec, sources, image)
    rights = credentials(pod, spec)
    argv = tuple(expanded(word, found) for word in program.argv)
    directory = str(spec.get("workingDir") or "/")
    _check_words({f"environment variable {name}": value for name, value in found.items()})
    _check_words({f"argument {number}": word for number, word in enumerate(argv)})
    _check_words({"working directory": directory})
    return Process(
        argv=argv,
        env=found,
        working_directory=directory,
        uid=rights.uid,
        gid=rights.gid,
        groups=rights.groups,
        capabilities=rights.capabilities,
    )


def _check_words(words: Mapping[str, str]) -> None:
    """Refuse what no program can be given: a text ends for the kernel at its first NUL."""
    for what, word in words.items():
        if "\0" in word:
            raise CreateContainerConfigError(f"invalid {what}: contains nul byte (\\x00)")


def _mounts(lab: str, pod: Object, spec: Object, sources: Sources) -> list[Mount]:
    volumes = {volume["name"]: volume for volume in volumes_of(pod, sources)}
    found = []
    for mount in _volume_mounts(pod, spec, sources):
        volume = volumes.get(mount["name"])
        if volume is None:
            raise CreateContainerConfigError(f'volumeMounts: Not found: "{mount["name"]}"')
        is_empty_dir = "emptyDir" in volume
        source = volume_directory(lab, pod, mount["name"])
        sub_path = str(mount.get("subPath") or "")
        if PurePosixPath(sub_path).is_absolute() or ".." in sub_path.split("/"):
            raise CreateContainerConfigError(f"subPath {sub_path!r} must stay inside the volume")
        found.append(
            Mount(
                source=NODE_ROOT if is_node_root(volume) else source,
                sub_path=sub_path,
                target=str(PurePosixPath("/", mount["mountPath"])),
                read_only=bool(mount.get("readOnly")) or not is_empty_dir,
                is_writable=is_empty_dir,
            )
        )
    # What lies in another comes after it.
    return sorted(found, key=lambda one: one.target.count("/"))


def _volume_mounts(pod: Object, spec: Object, sources: Sources) -> Sequence[Object]:
    found = items_of(spec, "volumeMounts")
    if has_api_access(pod, sources):
        return [*found, {"name": API_ACCESS, "mountPath": SERVICE_ACCOUNT}]
    return found


def _termination_log(spec: Object) -> str:
    path = spec.get("terminationMessagePath")
    return str(PurePosixPath("/", path)) if path else ""


def _limits(pod: Object) -> tuple[int, int]:
    """Return what the containers of a pod may use together: 0 where one names no limit."""
    limits: list[dict[str, Any]] = [
        (one.get("resources") or {}).get("limits") or {}
        for one in items_of(spec_of(pod), "containers")
    ]
    memory = [parse_quantity(one.get("memory")) for one in limits]
    cpu = [parse_quantity(one.get("cpu")) for one in limits]
    bytes_ = sum(int(one) for one in memory if one) if all(memory) else 0
    return bytes_, sum(int(one * 1000) for one in cpu if one) if all(cpu) else 0
