"""Why a container could not be started."""

import pytest

from netlab.errors import HostError
from netlab.kube.objects import Object
from netlab.kubelet.failures import start_failure

MISSING = HostError('exec: "lost": executable file not found in $PATH')


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        pytest.param({"image": "nginx"}, "ErrImagePull", id="the image's own program"),
        pytest.param({"image": "nginx", "command": ["lost"]}, "StartError", id="a command"),
        pytest.param({"image": "debian", "args": ["lost"]}, "StartError", id="arguments are one"),
        pytest.param({"image": "redis", "args": ["--port", "1"]}, "ErrImagePull", id="options"),
        pytest.param({"image": "curl", "args": ["-s"]}, "ErrImagePull", id="an entry point"),
        pytest.param({"image": "mine", "command": ["lost"]}, "StartError", id="an image of nobody"),
    ],
)
def test_a_program_that_is_not_there_is_the_images_fault_or_the_commands(
    container: Object, reason: str
):
    failure = start_failure(container, MISSING)
    assert failure.reason == reason
    assert 'exec: "lost": executable file not found in $PATH' in failure.message


def test_the_package_of_a_missing_program_is_named():
    assert "apt-get install nginx" in start_failure({"image": "nginx"}, MISSING).message


def test_what_is_not_the_program_is_told_as_it_is():
    failure = start_failure({"image": "debian", "args": ["sh"]}, HostError("no memory"))
    assert (failure.reason, failure.message) == ("RunContainerError", "no memory")
