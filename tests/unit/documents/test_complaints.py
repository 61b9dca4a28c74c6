"""Wrong files and what is said about them, from the texts in ``wrong/``."""

from pathlib import Path

import pytest

from netlab.errors import SpecError
from netlab.topology.parse import parse_spec

HEADS = {"topologies": "apiVersion: netlab/v1\nkind: Topology\n", "manifests": ""}


def _cases():
    for path in sorted((Path(__file__).parent / "wrong").glob("*.txt")):
        for case in path.read_text().removeprefix("== ").split("\n== "):
            title, _, rest = case.partition("\n")
            text, _, complaints = rest.partition("\n--\n")
            yield pytest.param(HEADS[path.stem] + text, complaints.strip(), id=title)


@pytest.mark.parametrize(("text", "complaints"), list(_cases()))
def test_says_what_is_wrong_where_and_what_to_do(text: str, complaints: str):
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "", is_strict=True)
    told = str(caught.value).split("\n")
    assert [one.removeprefix(":") for one in told] == complaints.split("\n")
