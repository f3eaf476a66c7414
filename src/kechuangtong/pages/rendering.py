"""Pages from templates: no script, nothing from elsewhere, their addresses told to nobody."""

from http import HTTPStatus
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kechuangtong.core.language import Text

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
)
# The address of a page that a mail leads to lets its reader in.
_HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


def page(
    template: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
    **values: object,
) -> HTMLResponse:
    """A page; `problem` is what stands in its way, in both languages."""
    content = _templates.get_template(template).render(problem=problem, **values)
    return HTMLResponse(content, status, headers=_HEADERS)
