"""The matrix as tables for a terminal."""

from dataclasses import replace

from netlab.render.matrix.table import LEGEND, render_decisions, render_matrix
from netlab.trace.matrix import MatrixRow, ServiceMatrix, Target
from tests.unit.matrix_samples import MATRIX, NAMES

WIDE = """\
Service default/nodeport, externalTrafficPolicy: Local

CALLER           ClusterIP                   node1                       node2
                 10.0.55.247:80              10.240.0.3:31704            10.240.0.4:31704
client           unreachable                 198.51.100.79 (client)      dropped
node1            10.244.1.1 node1(gateway)   10.244.1.1 node1(gateway)   dropped
web-1 on node1   10.244.1.1 node1(gateway)   answered                    refused
"""

AT_80 = """\
Service default/nodeport, externalTrafficPolicy: Local

CALLER           ClusterIP        node1              node2
                 10.0.55.247:80   10.240.0.3:31704   10.240.0.4:31704
client           unreachable      198.51.100.79      dropped
node1            10.244.1.1       10.244.1.1         dropped
web-1 on node1   10.244.1.1       answered           refused

10.244.1.1     node1(gateway)
198.51.100.79  client
"""

AT_60 = """\
Service default/nodeport, externalTrafficPolicy: Local

CALLER           ClusterIP        node1
                 10.0.55.247:80   10.240.0.3:31704
client           unreachable      198.51.100.79
node1            10.244.1.1       10.244.1.1
web-1 on node1   10.244.1.1       answered

CALLER           node2
                 10.240.0.4:31704
client           dropped
node1            dropped
web-1 on node1   refused

10.244.1.1     node1(gateway)
198.51.100.79  client
"""

DECISIONS = """\
Deciding rules, predicted by a walk through the rules that each kernel holds:

Service default/nodeport, externalTrafficPolicy: Local
          not predicted
            node1 from web-1
            node2 from web-1
  node1   KUBE-SVL-AAAA → KUBE-SEP-BBBB "default/nodeport -> 10.244.1.2:8080"
            node1 from client, node1
            ClusterIP from node1, web-1
  node2   KUBE-EXTERNAL-SERVICES DROP "default/nodeport has no local endpoints"
            node2 from client, node1
  router  no route
            ClusterIP from client"""


def tried() -> ServiceMatrix:
    """Return the matrix with a column under the other policy before the last two."""
    other = Target(name="node1", address=MATRIX.targets[1].address, policy="Cluster")

    def widened(row: MatrixRow) -> MatrixRow:
        return replace(row, cells=(row.cells[0], row.cells[0], *row.cells[1:]))

    targets = (MATRIX.targets[0], other, *MATRIX.targets[1:])
    return replace(MATRIX, targets=targets, rows=tuple(map(widened, MATRIX.rows)))


def test_names_stand_beside_addresses_where_they_fit():
    assert render_matrix([MATRIX], NAMES, None) == f"{WIDE}\n{LEGEND}"
    assert render_matrix([MATRIX], NAMES, 200) == f"{WIDE}\n{LEGEND}"


def test_at_80_columns_names_are_in_a_legend():
    assert render_matrix([MATRIX], NAMES, 80) == f"{AT_80}\n{LEGEND}"


def test_a_table_that_is_too_wide_goes_on_below():
    assert render_matrix([MATRIX], NAMES, 60) == f"{AT_60}\n{LEGEND}"


def test_each_policy_that_was_tried_has_its_columns():
    heading = render_matrix([tried()], {}, None).splitlines()

    assert heading[0] == "Service default/nodeport, externalTrafficPolicy: Local, both tried"
    assert heading[2].split() == ["CALLER", "ClusterIP", "node1", "node1", "node2"]
    assert heading[4].split() == ["any", "policy", "Cluster", "Local", "Local"]


def test_a_datagram_service_says_so():
    assert render_matrix([replace(MATRIX, protocol="UDP", policy="")], {}, None).startswith(
        "Service default/nodeport (UDP)\n"
    )


def test_deciding_rules_stand_once_with_the_calls_they_decide():
    assert render_decisions([MATRIX]) == DECISIONS
    assert "node1 (Cluster) from client" in render_decisions([tried()])
