"""Truth values of an answer's tables on the page: words, never numbers."""

from likewise.report.html import _table
from likewise.studies import Table


def test_truth_values_are_words_on_the_page() -> None:
    table = Table("t", ("all", "some", "n"), ((True, None, 1), (False, True, 2)))
    assert _table(table.to_pandas(), "t.csv")["rows"] == [["yes", "", "1"], ["no", "yes", "2"]]
