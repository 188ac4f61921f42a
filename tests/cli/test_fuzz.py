"""No input of any kind gives a traceback, hangs, or takes much memory: three thousand, the same in every run."""

import sys

import pytest

from fuzzing import SECONDS, attempt, faults
from likewise.cli import main
from likewise.errors import InputError, StoreError

COUNT = 3000


def test_no_input_gives_a_traceback_or_hangs() -> None:
    tried, wrong = attempt(0, COUNT)
    assert tried == COUNT
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("code", "err", "seconds", "wrong"),
    [
        (0, "", 0.1, ""),
        (2, "error: no such file", 0.1, ""),
        (2, "", 0.1, "without a word"),
        (1, "Traceback (most recent call last):\n...", 0.1, "a traceback"),
        ("ValueError: x", "", 0.1, "exit code ValueError"),
        (2, "error: \x1b[31m", 0.1, "control characters"),
        (0, "", SECONDS + 1.0, "11 seconds"),
    ],
)
def test_what_counts_as_a_fault(code: object, err: str, seconds: float, wrong: str) -> None:
    assert wrong in faults(code, "", err, seconds, 0)
    assert bool(faults(code, "", err, seconds, 0)) == bool(wrong)


class Unforeseen(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Unforeseen("odd"), 1, "error: Unforeseen: odd"),
        (MemoryError(), 1, "error: out of memory"),
        (PermissionError(13, "Permission denied", "x.npy"), 1, "error: x.npy: Permission denied"),
        (InputError("no such measure"), 2, "error: no such measure"),
        (StoreError("damaged"), 1, "error: damaged"),
    ],
)
def test_whatever_stops_a_command_is_one_line(
    error: Exception, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stops(standalone_mode: bool) -> None:
        raise error

    monkeypatch.setattr(main, "commands", lambda: stops)
    monkeypatch.setattr(sys, "argv", ["likewise"])
    with pytest.raises(SystemExit) as stopped:
        main.main()
    said = capsys.readouterr().err
    assert stopped.value.code == code
    assert words in said
    assert ("--traceback" in said) == isinstance(error, Unforeseen)
    monkeypatch.setattr(sys, "argv", ["likewise", "--traceback"])
    with pytest.raises(type(error)):
        main.main()
