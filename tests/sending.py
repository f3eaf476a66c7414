"""Lists as the tests send them."""

import io

import httpx
import xlsxwriter

from waiting import until

HEADER = ["成果名称", "成果简介", "成熟度", "意向价格", "知识产权号"]


def workbook(rows: list[list[str]], header: list[str] = HEADER) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("成果")
        for place, row in enumerate([header, *rows]):
            sheet.write_row(place, 0, row)
    return buffer.getvalue()


async def send(client: httpx.AsyncClient, content: bytes, **form: str) -> dict[str, object]:
    """Send a list, wait for its import to end, and give it."""
    sent = await client.post(
        "/v1/imports",
        files={"file": (form.pop("file_name", "成果.xlsx"), content)},
        data={"kind": "achievement", **form},
    )
    assert sent.status_code == 202, sent.text
    path = sent.headers["Location"]

    async def ended() -> bool:
        return (await client.get(path)).json()["state"] in ("done", "failed")

    await until(ended, 40)
    return (await client.get(path)).json()
