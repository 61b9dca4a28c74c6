"""The Vagrantfile is one that Vagrant accepts, for each provider that is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("vagrant") is None, reason="vagrant is not installed")


@pytest.mark.parametrize(
    "provider", ["libvirt", "virtualbox", "parallels", "vmware_desktop", "qemu"]
)
def test_the_block_of_each_provider_is_valid(provider: str, tmp_path: Path):
    # Vagrant looks at a provider's block only where it finds the provider; that of VirtualBox needs
    # no more than the answer of its program.
    manage = tmp_path / "VBoxManage"
    manage.write_text("#!/bin/sh\necho 7.0.6r155176\n")
    manage.chmod(0o755)
    done = subprocess.run(
        ["vagrant", "validate"],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "VAGRANT_HOME": str(tmp_path / "home"),
            "VAGRANT_DOTFILE_PATH": str(tmp_path / "machine"),
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "VAGRANT_DEFAULT_PROVIDER": provider,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    said = " ".join((done.stdout + done.stderr).split())
    if f"The provider '{provider}' could not be found" in said:
        pytest.skip(f"Vagrant has no plugin for {provider} here")
    assert "Vagrantfile validated successfully" in said
    assert done.returncode == 0
