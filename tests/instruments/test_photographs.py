"""Photographs of instruments: who sees them, in which order, and that they tell no more than they
show."""

import re
import struct
import zlib
from uuid import UUID

import httpx
import pytest

from booking import ANY, code
from conftest import Service
from forms import send
from instruments.conftest import Publish
from instruments.test_pages import EVIL, browser, read
from kechuangtong.attachments.pictures import bare
from kechuangtong.attachments.service import orphans
from kechuangtong.sample.instruments import PICTURE

PLACE = b"30.6517,104.0758"


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">HH", 0xFF00 | marker, len(body) + 2) + body


def exif(turned: int) -> bytes:
    entries = ((0x010F, 2, 4, b"Cam\0"), (0x0112, 3, 1, struct.pack("<HH", turned, 0)))
    told = b"".join(struct.pack("<HHI", *one) + value for *one, value in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + told + bytes(4) + PLACE


SCAN = segment(0xDA, bytes(10)) + b"\x12\xff\x00\x34\xff\xd0\x56"
JFIF, ICC, TABLE = segment(0xE0, b"JFIF\0" + bytes(9)), segment(0xE2, b"ICC_PROFILE\0c"), b"table"
JPEG = (
    b"\xff\xd8"
    + JFIF
    + segment(0xE1, exif(6))
    + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PLACE)
    + ICC
    + segment(0xE2, b"MPF\0" + PLACE)
    + segment(0xFE, PLACE)
    + b"\xff"  # one more than is needed
    + segment(0xDB, TABLE)
    + SCAN
    + segment(0xC4, TABLE)
    + SCAN
    + b"\xff\xd9"
    + b"another picture "
    + PLACE
)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(one)) + one + bytes(len(one) % 2) for kind, one in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_picture_says_nothing_beside_what_it_shows() -> None:
    clean = bare("image/jpeg", JPEG)
    turned = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    kept = (
        JFIF,
        segment(0xE1, turned),
        ICC,
        segment(0xDB, TABLE),
        SCAN,
        segment(0xC4, TABLE),
        SCAN,
    )
    assert clean == b"\xff\xd8" + b"".join(kept) + b"\xff\xd9"
    assert bare("image/jpeg", clean) == clean
    told = [chunk(one, PLACE) for one in (b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME", b"caBX")]
    assert bare("image/png", PICTURE[:33] + b"".join(told) + PICTURE[33:] + PLACE) == PICTURE
    webp = riff((b"VP8X", b"\x1c" + bytes(9)), (b"VP8L", b"/" + bytes(6)), (b"EXIF", PLACE))
    assert bare("image/webp", webp) == riff(
        (b"VP8X", b"\x10" + bytes(9)), (b"VP8L", b"/" + bytes(6))
    )
    # How it is to be turned stays in the other formats, too.
    tiff = turned.removeprefix(b"Exif\0\0")
    png = PICTURE[:33] + chunk(b"eXIf", exif(6)[6:]) + PICTURE[33:]
    assert bare("image/png", png) == PICTURE[:33] + chunk(b"eXIf", tiff) + PICTURE[33:]
    webp_turned = riff(
        (b"VP8X", b"\x1c" + bytes(9)),
        (b"C2PA", PLACE),
        (b"EXIF", exif(6)),
        (b"VP8L", b"/" + bytes(6)),
    )
    assert bare("image/webp", webp_turned) == riff(
        (b"VP8X", b"\x18" + bytes(9)), (b"VP8L", b"/" + bytes(6)), (b"EXIF", tiff)
    )
    for media_type, content in (
        ("image/jpeg", PICTURE),
        ("image/jpeg", JPEG[:150]),
        ("image/jpeg", b"\xff\xd8\xff"),
        ("image/png", PICTURE[:-20]),
        ("image/png", PICTURE.replace(b"IHDR", b"IHDX")),
        ("image/webp", webp[:30]),
        ("image/webp", JPEG),
    ):
        with pytest.raises(ValueError, match=r".*"):
            bare(media_type, content)


async def add(
    client: httpx.AsyncClient, instrument: str, name: str, content: bytes, caption: str = "外观"
) -> httpx.Response:
    return await client.post(
        f"/v1/instruments/{instrument}/photographs",
        files={"file": (name, content)},
        data={"caption": caption},
    )


async def test_photographs_are_added_shown_put_first_and_deleted(
    service: Service,
    publish: Publish,
    scholar: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
) -> None:
    instrument = await publish()
    path = f"/v1/instruments/{instrument}/photographs"
    made = await add(scholar, instrument, "../整机.JPG", JPEG, "整机")
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["size"]) == ("整机.JPG", len(bare("image/jpeg", JPEG)))
    second = (await add(scholar, instrument, "样品室.png", PICTURE, "样品室")).json()["id"]
    seen = await anyone.get(made.headers["Location"])
    assert (seen.content, seen.headers["Content-Type"]) == (bare("image/jpeg", JPEG), "image/jpeg")
    assert PLACE not in seen.content
    again = await anyone.get(
        made.headers["Location"], headers={"If-None-Match": seen.headers["ETag"]}
    )
    assert again.status_code == 304

    async def captions() -> list[str]:
        first = (await anyone.get(path, params={"limit": 1})).json()
        rest = await anyone.get(path, params={"cursor": first["next_cursor"]})
        return [one["caption"] for one in first["items"] + rest.json()["items"]]

    assert await captions() == ["整机", "样品室"]
    for _ in range(2):  # once more is the same
        (await scholar.post(f"{path}/{second}/first")).raise_for_status()
        assert await captions() == ["样品室", "整机"]
    await add(scholar, instrument, "铭牌.webp", riff((b"VP8L", b"/" + bytes(7))), "铭牌")
    assert [one["caption"] for one in (await anyone.get(path)).json()["items"]][2] == "铭牌"

    for name, content, refused in (
        ("说明.pdf", b"%PDF-1.7\n", (422, "attachment_type_refused")),
        ("整机.png", JPEG, (422, "attachment_type_differs")),
        ("整机.jpg", JPEG[:100], (422, "attachment_type_differs")),
        ("整机.jpg", b"", (422, "attachment_empty")),
        ("整机.jpg", bytes(20_000_001), (413, "attachment_too_large")),
    ):
        assert code(await add(scholar, instrument, name, content)) == refused, name
    unsaid = await add(scholar, instrument, "整机.jpg", JPEG, "")
    assert (unsaid.status_code, unsaid.json()["errors"][0]["loc"]) == (422, ["body", "caption"])
    assert (await add(buyer, instrument, "整机.jpg", JPEG)).status_code == 403
    for verb, where in (("POST", f"{path}/{second}/first"), ("DELETE", f"{path}/{second}")):
        assert (await buyer.request(verb, where)).status_code == 403
    # They are no attachments of the lists, nor another instrument's.
    assert (await anyone.get(f"/v1/attachments/{second}/content")).status_code == 404
    other = f"/v1/instruments/{await publish('另一台')}/photographs/{second}"
    for verb in ("GET", "DELETE"):
        assert (await scholar.request(verb, other)).status_code == 404

    # What is not public shows none of its photographs; with a draft they go.
    (await scholar.post(f"/v1/instruments/{instrument}/withdraw", headers=ANY)).raise_for_status()
    hidden = await anyone.get(made.headers["Location"])
    assert (hidden.status_code, (await anyone.get(path)).status_code) == (404, 404)
    assert (await scholar.get(made.headers["Location"])).status_code == 200
    (await scholar.delete(f"{path}/{second}")).raise_for_status()
    body = {"organization_id": str(service.university), "name": "草稿"}
    draft = (await scholar.post("/v1/instruments", json=body)).json()["id"]
    (await add(scholar, draft, "草稿.png", PICTURE)).raise_for_status()
    (await scholar.delete(f"/v1/instruments/{draft}", headers=ANY)).raise_for_status()
    left = {key for key, _ in await service.runtime.attachments.keys()}
    assert (len(left), second in map(str, left)) == (2, False)
    assert UUID(made.json()["id"]) in left
    assert await orphans(service.runtime.database, service.runtime.attachments) == []
    for number in range(18):
        (await add(scholar, instrument, f"{number}.png", PICTURE)).raise_for_status()
    full = await add(scholar, instrument, "多.png", PICTURE)
    assert code(full) == (409, "too_many_attachments")


async def test_editors_see_to_photographs_on_a_page(
    service: Service, publish: Publish, anyone: httpx.AsyncClient
) -> None:
    instrument = await publish()
    path = f"/instruments/{instrument}/photographs"
    picture = {"file": ("外观.jpg", JPEG)}
    async with browser(service, "scholar") as staff, browser(service, "buyer") as guest:
        for caption in ("整机", EVIL):
            sent = await send(staff, path, {"caption": caption}, files=picture)
            assert sent.headers["Location"] == path, sent.text
        main, other = re.findall(rf'<img src="(/v1{path}/[^"]+)"', await read(staff, path))
        for wrong, files in (({"caption": "外观"}, {"file": ("x.gif", b"GIF")}), ({}, picture)):
            refused = await send(staff, path, wrong, files=files)
            assert (refused.status_code, 'role="alert"' in refused.text) == (422, True)
        shown = await read(anyone, f"/instruments/{instrument}")
        assert ('alt="整机"' in shown, "管理照片" in shown) == (True, False)
        assert f'<img class="thumb" src="{main}"' in await read(anyone, "/instruments")
        assert path in await read(staff, f"/instruments/{instrument}")
        first = await send(staff, f"{other.removeprefix('/v1')}/first", at=path)
        assert first.headers["Location"] == path
        assert f'<img class="thumb" src="{other}"' in await read(anyone, "/instruments")
        refused = await send(guest, f"{main.removeprefix('/v1')}/delete", at="/bookings")
        assert refused.status_code == 403
        assert (await guest.get(path)).status_code == 403
        await send(staff, f"{main.removeprefix('/v1')}/delete", at=path)
        assert (await anyone.get(main)).status_code == 404
