"""What a machine has of its own, which labs must leave as they found it."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path


def printed(argv: Sequence[str]) -> str:
    """Return what a command prints."""
    return subprocess.run(argv, check=False, stdout=subprocess.PIPE, text=True).stdout


def state() -> dict[str, str]:
    """Return what a lab must leave as it found it, by its name."""
    found = {
        "links": addresses_and_links(),
        "routes": without(printed(["ip", "-j", "route", "show", "table", "all"]), "expires"),
        "routing rules": printed(["ip", "rule"]),
        "nftables": printed(["nft", "list", "ruleset"]),
        "mounts": Path("/proc/self/mounts").read_text(),
        "namespaces": listed("/run/netns"),
        "run directory": listed("/run/netlab"),
        "cgroups": listed("/sys/fs/cgroup"),
        "processes": printed(["pgrep", "-fa", "netlab[. ](lab|control|netns|agent|container)"]),
    }
    for path in sorted(Path("/proc/sys/net").rglob("*")):
        # Modules that were loaded by use bring settings of their own.
        if path.is_file() and "netfilter" not in path.parts and "bridge" not in path.parts:
            try:
                found[str(path)] = path.read_text()
            except OSError:
                continue
    return found


def addresses_and_links() -> str:
    """Return the machine's own links and addresses, less what counts down by itself."""
    return without(
        printed(["ip", "-j", "address"]), "valid_life_time", "preferred_life_time", "link_netnsid"
    )


def without(text: str, *keys: str) -> str:
    """Return JSON without some keys, at any depth."""

    def pruned(value: object) -> object:
        if isinstance(value, dict):
            return {key: pruned(one) for key, one in value.items() if key not in keys}
        return [pruned(one) for one in value] if isinstance(value, list) else value

    return json.dumps(pruned(json.loads(text or "[]")))


def listed(directory: str) -> str:
    """Return the names in a directory; nothing for one that is not there."""
    path = Path(directory)
    return "\n".join(sorted(one.name for one in path.iterdir())) if path.is_dir() else ""


def difference(before: dict[str, str], after: dict[str, str]) -> str:
    """Return what of ``before`` is other than it was, a line each."""
    return "\n".join(
        f"{name}: was {value!r}, is {after.get(name)!r}"
        for name, value in before.items()
        if after.get(name) != value
    )
