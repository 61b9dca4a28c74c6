"""Lines of the kernel's legacy rule trace."""

import pytest

from netlab.sources.legacy_rule_trace import parse_prefix
from netlab.sources.rule_trace_messages import Report


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "TRACE: filter:FORWARD:policy:5 ", ("filter", "FORWARD", Report.POLICY, 5), id="policy"
        ),
        pytest.param(
            "TRACE: nat:my:chain:return:1", ("nat", "my:chain", Report.RETURN, 1), id="a colon"
        ),
        pytest.param("TRACE: filter:INPUT:other:1 ", None, id="an unknown kind"),
        pytest.param("TRACE: filter", None, id="cut short"),
        pytest.param("a user's LOG rule: x:rule:1", None, id="another line of the log"),
    ],
)
def test_a_line_names_table_chain_kind_and_number(
    text: str, said: tuple[str, str, Report, int] | None
):
    assert parse_prefix(text) == said
