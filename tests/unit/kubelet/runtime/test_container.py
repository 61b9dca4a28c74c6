from netlab.kubelet.runtime.container import (
    Container,
    Mount,
    Process,
    decoded,
    decoded_process,
    encoded,
)
from netlab.model.names import NetnsName

PROCESS = Process(
    argv=("echo", "ü"),
    env={"A": "1"},
    working_directory="/",
    uid=1000,
    gid=0,
    groups=(1, 2),
    capabilities=1 << 40,
)
CONTAINER = Container(
    netns=NetnsName("netlab-x-a.b"),
    hostname="b",
    process=PROCESS,
    rootfs="",
    built_in=True,
    directory="/run/netlab/x/pods/uid/c",
    restart_count=3,
    etc={"hosts": b"\xff"},
    mounts=(Mount(source="/a", sub_path="", target="/b", read_only=True, is_writable=False),),
    read_only_root=False,
    stdin=True,
    stdin_once=False,
    tty=False,
    pod_uid="uid",
    termination_log="/dev/termination-log",
    limits=(1, 2),
)


def test_what_is_encoded_is_read_back():
    assert decoded(encoded(CONTAINER)) == CONTAINER
    assert decoded_process(encoded(PROCESS)) == PROCESS
    assert isinstance(decoded(encoded(CONTAINER)).mounts[0], Mount)
