"""The page about a study of one's own, followed literally, in this process."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from likewise.errors import InputError
from likewise.report import write_report
from likewise.scoring import Results
from likewise.studies import Answer, answers, study_names, study_of

PAGE = Path(__file__).parents[2] / "docs" / "own-study.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """The file, installed as a package is, with its entry points beside it."""

    def install(code: str) -> Path:
        (tmp_path / "closest_pair.py").write_text(code, encoding="utf-8")
        about = tmp_path / "closest_pair-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: closest_pair\nVersion: 1.0\n")
        ((group, entry),) = re.findall(r'entry-points\."([\w.]+)"\]\n(.*)', blocks("toml")[0])
        (about / "entry_points.txt").write_text(f"[{group}]\n{entry.replace(chr(34), '')}\n")
        # Compiled code is found by the time and the size of its source, which a change in the same second may leave.
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return tmp_path

    yield install
    sys.modules.pop("closest_pair", None)


def results_of_the_page() -> tuple[Results, Answer]:
    said: dict[str, Any] = {"print": lambda *_: None}
    exec(blocks("python")[1], said)
    return said["results"], said["answer"]


def test_the_page_is_true_and_every_report_has_its_section(
    installed: Callable[[str], Path],
) -> None:
    folder = installed(blocks("python")[0])
    results, answer = results_of_the_page()
    assert answer.verdict == "base and copy: most alike in 2 of 2 lists of scores." and answer.values == {"share": 1}
    assert study_names()[-1] == "closest" and study_of("closest").__module__ == "closest_pair"
    found, failed = answers(results)
    assert found["closest"] == answer and not failed
    page = write_report(results, folder / "out", title="", experiment="", representations=[])
    text = page.read_text(encoding="utf-8")
    assert answer.question in text and answer.verdict in text and answer.limits[0] in text
    rows = (folder / "out" / "tables" / "closest.csv").read_text().splitlines()
    assert rows[0] == "data set,configuration,most alike,calibrated" and len(rows) == 3
    assert 'href="tables/closest.csv"' in text and 'href="#study-closest"' in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("first = {}", "first = 1 / 0"), "the study 'closest' of an installed package stopped: ZeroDivisionError"),
        (("return Answer(", "return str("), "the study 'closest' of an installed package stopped: TypeError"),
        (("return None", "return 3"), "study 'closest': expected an Answer or None, got 3"),
        (('name = "closest"', 'name = "another"'), "expected a Study with that name"),
        (("from collections", "from nowhere"), "(closest_pair:Closest) cannot be loaded: ModuleNotFoundError"),
        (
            ("count / len(first)", 'float("nan")'),
            "value 'share': expected a finite number or None, got nan",
        ),
        (('"calibrated"),', '"calibrated", "more"),'), "table 'closest': expected 5 cells in a row, got 4"),
    ],
)
def test_one_that_is_wrong_is_told_and_takes_nothing_with_it(
    installed: Callable[[str], Path], change: tuple[str, str], told: str
) -> None:
    code = blocks("python")[0]
    assert change[0] in code
    folder = installed(code)
    results, _ = results_of_the_page()
    sys.modules.pop("closest_pair")
    (folder / "closest_pair.py").write_text(code.replace(*change))
    importlib.invalidate_caches()
    given = Results(results.table.slice(0, 1), asked=results.asked) if "return 3" in change[1] else results
    found, (said,) = answers(given)
    assert told in said and "\n" not in said
    assert "closest" not in found and ("measures" in found) == (len(given) > 1)


def test_a_name_that_is_nearly_right_is_helped(installed: Callable[[str], Path]) -> None:
    installed(blocks("python")[0])
    with pytest.raises(InputError, match="unknown study 'closst'; did you mean \"closest\""):
        study_of("closst")
    assert "closest_pair" not in sys.modules
