"""Chat templates come with a model: they write what the library writes, or end within limits with one line."""

import time
from typing import Any

import pytest

from likewise.errors import InputError
from likewise.prompts import Prompts
from likewise.prompts.tokens import A_DAY, SAME_DAY, tokenize
from tiny_tokenizers import tokenizer

WRITTEN = [
    "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}> {{ m['content'] | trim }}\n{% endfor %}",
    "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{{ m | tojson(indent=2) }}{% endfor %}",
    "{% set ns = namespace(n=0) %}\n  {% for m in messages %}\n{% set ns.n = ns.n + 1 %}\n{{ ns.n }}: {{ m.content }}\n"
    "  {% endfor %}\n{% if add_generation_prompt %}{% generation %}<a>{% endgeneration %}{% endif %}",
    "{% if tools is not none %}tools{% endif %}{{ strftime_now('%Y') }}{{ date_string }}{{ eos_token }}"
    "{{ messages[-1]['content'].split()[0] }}{{ dict(a=1) }}",
    "{%- if not documents -%} none {%- endif -%}{% for m in messages %}{{ '\\u00e9' ~ m.content | upper }}{% endfor %}",
]
CHATS = (
    (("system", "Be brief, s'il vous plaît."), ("user", "Does the lid fit? <b>")),
    (("user", "A jar."), ("assistant", "Yes."), ("user", "  Two 🙂 ")),
)


def chats_of(chats: tuple[tuple[tuple[str, str], ...], ...], *, answer: bool = True) -> Prompts:
    texts = tuple(chat[-1][1] for chat in chats)
    return Prompts("mine", tuple(f"p{i}" for i in range(len(chats))), texts, "", chats, answer)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("\n|\n".join(WRITTEN), id="one after the other"),
        *(
            pytest.param(
                one, id=str(place), marks=pytest.mark.long("all of them, one after the other, are one template")
            )
            for place, one in enumerate(WRITTEN)
        ),
    ],
)
@pytest.mark.parametrize("answer", [True, pytest.param(False, marks=pytest.mark.long("a process for each"))])
def test_a_chat_is_written_as_the_library_writes_it(template: str, answer: bool) -> None:
    mine = tokenizer("llama")
    mine.chat_template = template
    given = [[{"role": role, "content": text} for role, text in chat] for chat in CHATS]
    expected = mine.apply_chat_template(
        given, tokenize=False, add_generation_prompt=answer, date_string=A_DAY, chat_template=SAME_DAY + template
    )
    found = tokenize(mine, chats_of(CHATS, answer=answer)).prompts
    assert list(map(list, found)) == mine(expected, add_special_tokens=False)["input_ids"]


def one_more(template: str) -> Any:
    """A template that is tried in the long tests, since each starts a process."""
    return pytest.param(template, marks=pytest.mark.long("a process for each"))


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "template",
    [
        "{{ 9**(9**9) }}",
        one_more("{{ 'a' * 10**10 }}"),
        one_more("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}x"),
        one_more("{% for i in range(99999) %}{{ 'x' * 10000 }}{% endfor %}"),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% if messages %}" * 500 + "x" + "{% endif %}" * 500,
        one_more("{{ messages.append(1) }}"),
        "{{ ''.__class__.__mro__ }}",
        one_more("{% include '/etc/passwd' %}"),
        "{{ raise_exception('no\nsystem role') }}",
    ],
)
def test_a_chat_template_without_bounds_ends_in_one_line(template: str) -> None:
    mine = tokenizer("bytes")
    mine.chat_template = template
    begun = time.process_time()
    with pytest.raises(InputError, match="the chat template of this model refuses mine: ") as caught:
        tokenize(mine, chats_of(CHATS[:1]))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000
    assert time.process_time() - begun < 2  # what computes is not this process


def test_a_tokenizer_with_python_of_its_own_writes_its_own_chats() -> None:
    mine = tokenizer("llama")

    class Own(type(mine)):  # type: ignore[misc]
        def apply_chat_template(self, conversation: list[dict[str, str]], **_: object) -> str:
            return f"own {conversation[-1]['content']}"

    mine.chat_template, mine.__class__ = "not used", Own
    (ids, _) = tokenize(mine, chats_of(CHATS)).prompts
    assert mine.decode(ids) == "own Does the lid fit? <b>"
