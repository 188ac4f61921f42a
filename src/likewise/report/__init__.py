"""A page that a person can read, with every table it shows as a file of its own; and figures for paper."""

from importlib import import_module

from likewise.errors import MissingDependencyError

for _library in ("pandas", "jinja2"):
    try:
        import_module(_library)
    except ModuleNotFoundError as error:
        if error.name != _library:
            raise  # the library is there and broken: another message would hide that
        raise MissingDependencyError(_library, "report") from error

from likewise.report.html import write_answer_page, write_report  # noqa: E402  # only after the check above

__all__ = ["write_answer_page", "write_report"]
