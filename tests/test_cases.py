"""Cases that are run in one test are all run, and the one that fails is named."""

import pytest

from cases import Cases, each, run

SEEN: list[tuple[int, str]] = []


@pytest.mark.parametrize("number", each(range(3)))
@pytest.mark.parametrize("letter", each("ab"))
def test_every_case_is_run(number: int, letter: str) -> None:
    SEEN.append((number, letter))
    assert len(SEEN) < 6 or sorted(SEEN) == [(n, x) for n in range(3) for x in "ab"]


def test_the_case_that_fails_is_named_and_skips_leave_the_others() -> None:
    def test(number: int, other: str) -> None:
        if number < 2:
            pytest.skip("small")
        assert number != 4

    with pytest.raises(AssertionError) as failed:
        run(test, {"number": Cases(range(6)), "other": "x"})
    assert failed.value.__notes__ == ["with number=4"]
    with pytest.raises(pytest.skip.Exception, match="small"):
        run(test, {"number": Cases([0, 1]), "other": "x"})
    run(test, {"number": Cases([1, 3]), "other": "x"})
    with pytest.raises(AssertionError, match="there is no case"):
        run(test, {"number": Cases(), "other": "x"})
