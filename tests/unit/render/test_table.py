import pytest

from netlab.render.table import table


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        pytest.param([], ["NAME   AGE"], id="no rows leave the headings"),
        pytest.param(
            [["web-1", "3s"], ["a-longer-name", "12m"]],
            ["NAME            AGE", "web-1           3s", "a-longer-name   12m"],
            id="the longest cell makes the column",
        ),
        pytest.param([["", "3s"]], ["NAME     AGE", "<none>   3s"], id="an empty cell says so"),
        pytest.param([["x", ""]], ["NAME   AGE", "x      <none>"], id="no line ends in a blank"),
    ],
)
def test_a_table_is_laid_out_as_kubectl_does(rows: list[list[str]], lines: list[str]):
    assert table(["name", "age"], rows).split("\n") == lines


def test_a_row_of_another_length_is_a_fault():
    with pytest.raises((ValueError, IndexError)):
        table(["name", "age"], [["web-1"]])


def test_the_widest_column_is_cut_between_words_where_the_table_is_too_wide():
    rows = [["a", "one two three four five six seven", "yes"]]
    assert table(["name", "runs", "here"], rows, 40).splitlines() == [
        "NAME   RUNS                      HERE",
        "a      one two three four five   yes",
        "       six seven",
    ]
