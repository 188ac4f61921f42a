"""What the README says can be done, can be done."""

import doctest
import re
from pathlib import Path

import pytest
import yaml

from likewise.cli.main import app
from likewise.plan import Experiment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_examples_of_the_readme_run() -> None:
    outcome = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert outcome.attempted >= 6
    assert outcome.failed == 0


def test_examples_of_the_page_on_tables_run() -> None:
    outcome = doctest.testfile(str(ROOT / "docs" / "kinds.md"), module_relative=False)
    assert outcome.attempted >= 9
    assert outcome.failed == 0


def test_experiments_in_the_readme_are_valid() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.S)
    assert [Experiment.of(yaml.safe_load(block)).name for block in blocks] == ["mine", "axes"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_and_files_that_pages_name_exist(page: Path) -> None:
    text = page.read_text()
    commands = {c.name for c in app.registered_commands}
    assert set(re.findall(r"(?:`|    )likewise ([\w-]+)", text)) <= commands
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    assert set(re.findall(r"(?:`|    )make ([\w-]+)", text)) <= targets
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (page.parent / link).exists(), link
    for path in re.findall(r"`((?:src|tests|docs|experiments|benchmarks)/[a-z0-9_./-]+)`", text):
        assert (ROOT / path).exists(), path


def test_headings_of_docstrings_stand_on_lines_of_their_own() -> None:
    """A heading that runs into its text is no section for numpydoc, which then says nothing."""
    heading = re.compile(r"^ *(Parameters|Returns|Yields|Raises|Notes|References|Examples) -{3,}", flags=re.M)
    sources = sorted((ROOT / "src").rglob("*.py"))
    assert not [path.name for path in sources if heading.search(path.read_text(encoding="utf-8"))]
    assert heading.search("    Notes ----- Cost: O(n).")


def test_verdicts_in_the_readme_are_those_of_their_pages() -> None:
    """The pages' outputs are compared with what comes out; the README repeats them."""
    part = (ROOT / "README.md").read_text().partition("## Ask a question")[2].partition("\n## ")[0]
    blocks = re.findall(r"`(docs/\w+\.md)`\n\n    (likewise .*)\n\n((?:> .*\n)+)", part)
    assert len(blocks) == 4
    for page, command, said in blocks:
        text = " ".join((ROOT / page).read_text().split())
        assert " ".join(said.replace("> ", " ").split()) in text, page
        assert command.split()[1] in text
