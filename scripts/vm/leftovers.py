"""What a machine has of its own, which labs must leave as they found it."""

import json
import subprocess
import time
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


def wait_for_addresses(limit_s: float) -> None:
    """Wait until the machine's own addresses are what they will be: none is looked up any more."""
    deadline = time.monotonic() + limit_s
    while "tentative" in printed(["ip", "-j", "address"]) and time.monotonic() < deadline:
        time.sleep(0.2)


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
        f"{name}: {changed(value, after.get(name, ''))}"
        for name, value in before.items()
        if after.get(name) != value
    )


def changed(was: str, now: str) -> str:
    """Return two texts less what they share: of lists of JSON the items, of others the lines."""
    old, new = parts(was), parts(now)
    gone = [one for one in old if one not in new]
    return f"no more {gone}, now {[one for one in new if one not in old]}"


def parts(text: str) -> list[object]:
    """Return the items of a list of JSON, or the lines of any other text."""
    if text.startswith("["):
        return list(json.loads(text))
    return list(text.splitlines())
