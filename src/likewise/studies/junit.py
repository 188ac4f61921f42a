"""What became of conditions, as JUnit XML: what CI systems show as tests."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from likewise.naming import inert
from likewise.studies.answer import Answer
from likewise.studies.conditions import Outcome

NO_XML = re.compile("[\ufffe\uffff]")
"""Characters that XML does not have, beside those that `inert` writes out."""


def junit_xml(answer: Answer, outcomes: Sequence[Outcome]) -> str:
    """Return a test for each condition, which fails where the condition holds; without conditions, one that passes.

    Parameters
    ----------
    answer : Answer
        What the conditions were about.
    outcomes : sequence of Outcome
        Of the conditions; one that could not be judged is an error, not a failure.

    Returns
    -------
    str
        ``testsuites``, ``testsuite``, ``testcase``, and ``failure`` or ``error``, as in Jenkins' ``junit-10.xsd``.

    Examples
    --------
    >>> from likewise.studies.conditions import outcome, parse_condition
    >>> answer = Answer("Did it move?", "It moved.", values={"moved": True})
    >>> text = junit_xml(answer, [outcome(parse_condition("moved"), answer.values)])
    >>> '<failure message="moved (moved is true)" type="condition">It moved.' in text
    True
    """
    counts = {
        "tests": str(max(1, len(outcomes))),
        "failures": str(sum(o.holds is True for o in outcomes)),
        "errors": str(sum(o.error is not None for o in outcomes)),
    }
    root = ElementTree.Element("testsuites", {"name": "likewise", **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _line(answer.question), **counts, "skipped": "0"})
    verdict = "\n".join([answer.verdict, *answer.limits])
    if not outcomes:
        _case(suite, "verdict")
    for found in outcomes:
        case = _case(suite, f"fail if {found.condition}")
        if found.error is not None:
            about = {"message": _line(str(found)), "type": type(found.error).__name__}
            ElementTree.SubElement(case, "error", about).text = _text(answer.verdict)
        elif found.holds:
            about = {"message": _line(str(found)), "type": "condition"}
            ElementTree.SubElement(case, "failure", about).text = _text(f"{answer.verdict}\n{found}")
    ElementTree.SubElement(suite, "system-out").text = _text(verdict)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _case(suite: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"classname": "likewise", "name": _line(name)})


def _line(text: str) -> str:
    return NO_XML.sub(lambda found: ascii(found[0])[1:-1], inert(text, keep=""))


def _text(text: str) -> str:
    return NO_XML.sub(lambda found: ascii(found[0])[1:-1], inert(text))
