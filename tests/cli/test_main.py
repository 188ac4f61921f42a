"""What an error means for the exit code, whatever command it comes from."""

import inspect

import pytest

from likewise import errors
from likewise.cli import main as entry

CODES = {
    errors.UnreachableError("s3://b cannot be reached: no answer"): 2,
    errors.InputError("no such row"): 2,
    errors.ModelError("no such model"): 2,
    errors.MissingDependencyError("torch", "extract"): 2,
    errors.UndefinedError("no value"): 1,
    errors.StoreError("the disk is full"): 1,
    errors.LikewiseError("a worker process died"): 1,
}


def stopped_by(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> object:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(entry, "commands", lambda: fail)
    with pytest.raises(SystemExit) as stopped:
        entry.main()
    return stopped.value.code


@pytest.mark.parametrize("error", CODES, ids=lambda error: type(error).__name__)
def test_each_error_ends_with_its_code_and_one_line(
    error: errors.LikewiseError, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert stopped_by(error, monkeypatch) == CODES[error]
    out, err = capfd.readouterr()
    assert out == ""
    assert "".join(err.split()) == "".join(f"error: {error}".split())


def test_what_helps_beside_an_error_is_told_below_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    error = errors.InputError("no such row")
    error.add_note("in the file rows.csv")
    assert stopped_by(error, monkeypatch) == 2
    assert capfd.readouterr().err == "error: no such row\n  in the file rows.csv\n"


def test_an_interruption_ends_with_the_code_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stopped_by(KeyboardInterrupt(), monkeypatch) == 130


def test_every_error_has_a_code() -> None:
    kinds = {e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, errors.LikewiseError)}
    assert kinds == {type(error) for error in CODES}
