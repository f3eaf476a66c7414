"""Signing in by cookie, against those who would misuse it."""

import httpx

from conftest import PASSWORD, Service
from forms import send

FORM = {"username": "scholar", "password": PASSWORD}


async def test_the_cookie_reads_and_a_form_needs_its_token(service: Service) -> None:
    async with service.client() as browser:
        assert (await browser.get("/v1/auth/me")).status_code == 401
        asked = await browser.get("/uploads?kind=demand")
        assert asked.headers["Location"] == "/sign-in?next=/uploads%3Fkind%3Ddemand"
        for path in ("/sign-in", "/sign-out"):
            forged = await browser.post(path, data=FORM)
            assert forged.status_code == 403
            assert "页面已过期" in forged.text
        signed_in = await send(browser, "/sign-in", {**FORM, "next": "/uploads"})
        assert (signed_in.status_code, signed_in.headers["Location"]) == (303, "/uploads")
        cookie = signed_in.headers["Set-Cookie"]
        assert cookie.startswith("kct_session=")
        assert "httponly" in cookie
        assert "samesite=lax" in cookie

        # By the cookie one reads the API, and changes nothing there.
        me = await browser.get("/v1/auth/me")
        assert me.json()["name"] == "scholar"
        assert me.headers["Cache-Control"] == "no-store"
        assert "Cookie" in me.headers["Vary"]
        body = {"title": "伪造的成果", "organization_id": str(service.university)}
        for path, sent in (
            ("/v1/achievements", {"json": body}),
            ("/v1/auth/sign-out", {"data": {"form_token": "x"}}),
            ("/sign-out", {"data": {"form_token": "x"}}),
        ):
            assert (await browser.post(path, **sent)).status_code in (401, 403)
        assert (await browser.get("/v1/auth/me")).status_code == 200

        kept = browser.cookies["kct_session"]
        assert (await send(browser, "/sign-out", at="/")).status_code == 303
        browser.cookies.set("kct_session", kept)  # whoever kept the cookie is out, too
        assert (await browser.get("/v1/auth/me")).status_code == 401


async def test_a_form_token_is_good_in_its_own_browser_alone(service: Service) -> None:
    async with service.client() as one, service.client() as other:
        await send(one, "/sign-in", FORM)
        await send(other, "/sign-in", FORM)
        shown = (await other.get("/")).text
        token = shown.split('name="form_token" value="')[1].split('"')[0]
        assert (await one.post("/sign-out", data={"form_token": token})).status_code == 403
        assert (await one.get("/v1/auth/me")).status_code == 200


async def test_signing_in_leads_nowhere_else(anyone: httpx.AsyncClient) -> None:
    for elsewhere in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "evil",
        "/\n/x",
    ):
        led = await send(anyone, "/sign-in", {**FORM, "next": elsewhere})
        assert led.headers["Location"] == "/", elsewhere
        chosen = await anyone.get("/language", params={"to": "en", "next": elsewhere})
        assert chosen.headers["Location"] == "/", elsewhere
        anyone.cookies.clear()


async def test_a_language_is_remembered(anyone: httpx.AsyncClient) -> None:
    assert "登录" in (await anyone.get("/sign-in")).text
    await anyone.get("/language", params={"to": "en"})
    english = await anyone.get("/sign-in")
    assert "User name" in english.text
    assert english.headers["Content-Language"] == "en"


async def test_a_link_to_nothing_is_answered_with_a_page_and_a_program_with_a_problem(
    anyone: httpx.AsyncClient,
) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml"}
    for path, headers, kind in (
        ("/nothing", browser, "text/html"),
        ("/nothing", {}, "application/problem+json"),
        ("/v1/nothing", browser, "application/problem+json"),
        ("/achievements/nonsense", browser, "text/html"),
    ):
        answer = await anyone.get(path, headers=headers)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith(kind), path


async def test_who_is_locked_reads_what_anyone_reads(
    service: Service, admin: httpx.AsyncClient
) -> None:
    async with service.client() as browser:
        await send(browser, "/sign-in", FORM)
        me = (await browser.get("/v1/auth/me")).json()["id"]
        locked = await admin.post(f"/v1/users/{me}/lock", headers={"If-Match": "*"})
        assert locked.status_code == 200, locked.text
        home = await browser.get("/")
        assert (home.status_code, "退出" in home.text) == (200, False)
        assert (await browser.get("/uploads")).headers["Location"].startswith("/sign-in")
        assert (await browser.get("/v1/auth/me")).status_code == 401
