"""The tree keeps the promises that CONTRIBUTING makes about it."""

import ast
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "netlab"
MODULES: Final = sorted(path for path in PACKAGE.rglob("*.py"))
LINES: Final = 500

TESTED_THROUGH: Final[dict[str, str]] = {
    "apiserver/*.py": "unit/apiserver/test_server.py",
    "client/*.py": "kernel/test_life.py",
    "controllers/*.py": "unit/controllers/test_reconcile.py",
    "cli/*.py": "kernel/test_pods.py",
    "dns/*.py": "unit/dns/test_coredns.py",
    "kubelet/*.py": "kernel/test_pods.py",
    "kubeproxy/*.py": "unit/kubeproxy/iptables/test_compile.py",
    "lab/*.py": "kernel/test_life.py",
    "loadbalancer/*.py": "kernel/test_load_balancer.py",
    "netfilter/iptables/*.py": "unit/netfilter/iptables/test_walk.py",
    "netns_agent/*.py": "kernel/test_life.py",
    "capture/*.py": "kernel/test_capture.py",
    "linux/*.py": "kernel/test_capture.py",
    "sources/*.py": "kernel/test_capture.py",
    "trace/*.py": "unit/trace/test_join.py",
    "render/*.py": "unit/render/trace/test_tree.py",
    "kube/*.py": "unit/documents/test_complaints.py",
    "topology/*.py": "unit/documents/test_complaints.py",
    "documents/*.py": "unit/documents/test_complaints.py",
    "scheduler/*.py": "unit/controllers/test_reconcile.py",
    "workloads/agnhost/*.py": "unit/workloads/test_agnhost.py",
}
"""Modules that no test names, by pattern, and the test that runs them all the same."""


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _has_logic(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def _has_test(path: Path) -> bool:
    test = path.relative_to(PACKAGE).with_name(f"test_{path.name}")
    return any((ROOT / "tests" / kind / test).exists() for kind in ("unit", "kernel"))


def _imported_by_tests() -> set[str]:
    """Return the dotted names that test modules import: modules, and what is in them."""
    names = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names |= {
                    node.module or "",
                    *(f"{node.module}.{alias.name}" for alias in node.names),
                }
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return names


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_every_module_can_be_read_in_one_sitting():
    lines = {_name(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > LINES} == {}


def test_every_module_with_logic_is_tested():
    # Write tests/unit/<package>/test_<module>.py, or say in TESTED_THROUGH what else runs it.
    imported = _imported_by_tests()
    untested = {
        _name(path)
        for path in MODULES
        if _has_logic(path) and not _has_test(path) and _module(path) not in imported
    }
    missing = [
        name
        for name in sorted(untested)
        if not any(fnmatch(name, known) for known in TESTED_THROUGH)
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(("pattern", "test"), TESTED_THROUGH.items())
def test_what_is_said_to_run_a_module_exists(pattern: str, test: str):
    assert any(fnmatch(_name(path), pattern) for path in MODULES), f"{pattern} fits nothing"
    assert (ROOT / "tests" / test).exists()


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
