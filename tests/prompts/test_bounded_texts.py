"""The texts of a data set are bounded together, and are the same each time."""

from typing import Any

import pytest

from likewise.errors import InputError
from likewise.prompts import templates
from likewise.prompts import texts as prompts
from likewise.prompts.texts import Format, make_prompts


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (templates, prompts):
        monkeypatch.setattr(module, "TEXT", 10_000)


@pytest.mark.parametrize("template", ["{{ q }}" * 50, "{{ q * 50 }}"])
def test_the_prompts_of_a_data_set_are_bounded_together(template: str) -> None:
    records = [{"q": "a" * 100} for _ in range(3)]
    assert {len(text) for text in make_prompts("d", records[:1], Format(template=template)).texts} == {5000}
    with pytest.raises(InputError, match="d are longer than 10,000 characters"):
        make_prompts("d", records, Format(template=template))


def test_shots_count_for_each_prompt_that_they_stand_before() -> None:
    records = [{"q": f"{i:0100d}", "a": "b"} for i in range(30)]
    form = Format(template="{{ q }}", answer="{{ a }}", shots=2)
    assert len(make_prompts("d", records[:10], form).texts) == 10
    with pytest.raises(InputError, match="shots written out"):
        make_prompts("d", records, Format(template="{{ q }}", answer="{{ a }}", shots=8))


@pytest.mark.parametrize(
    "template",
    [
        "{{ meta.items }}",
        "{{ meta.items | string }}",
        "{{ meta.items | title }}",
        "{{ q.upper }}",
        "{{ [meta.items] }}",
        "{{ 'a' ~ meta.items }}",
        "{{ meta | map('upper') }}",
        "{{ cycler('a') }}",
    ],
)
def test_a_thing_that_is_no_value_is_refused(template: str) -> None:
    with pytest.raises(InputError, match="record 0 of d: the template prints a Python object"):
        make_prompts("d", [{"q": "a", "meta": {"k": 1}}], Format(template=template))


@pytest.mark.parametrize("template", ["{{ q }}", "{{ meta.q }}", "{{ q | upper }}", "{{ q ~ '!' }}"])
def test_a_field_that_tells_of_such_a_thing_is_a_text(template: str) -> None:
    text = "got <function f at 0x7f00ab>"
    record: dict[str, Any] = {"q": text, "meta": {"q": text}}
    assert "0X7F00AB" in make_prompts("d", [record], Format(template=template)).texts[0].upper()
