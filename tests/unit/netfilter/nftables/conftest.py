"""Tables to try things on are kube-proxy's."""

from tests.unit.kubeproxy.nftables.conftest import lay, pytest_generate_tests, table

__all__ = ["lay", "pytest_generate_tests", "table"]
