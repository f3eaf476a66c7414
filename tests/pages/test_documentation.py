"""Swagger UI and ReDoc in a real browser, without any call to another machine."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from kechuangtong.sample.service import PASSWORD, USER


@pytest.fixture(scope="module")
def page(site: str) -> Iterator[Page]:
    """A page of a real browser that notes every address it is made to call."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=site, locale="zh-CN")
        yield page
        browser.close()


def test_an_operation_is_tried_in_swagger_ui_after_signing_in(page: Page, site: str) -> None:
    called: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: called.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto("/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator("#oauth_username").fill(USER)
    page.locator("#oauth_password").fill(PASSWORD)
    page.get_by_role("button", name="Apply given OAuth2 credentials").click()
    page.locator(".modal-ux .btn-done").first.click()
    operation = page.locator("#operations-matches-match_demand")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response .microlight").first
    answer.wait_for()
    assert "余热再生吸附转轮除湿机组" in answer.inner_text()
    assert failed == []
    assert {url for url in called if not url.startswith((site, "data:", "blob:"))} == set()


def test_redoc_is_served_from_here(page: Page, site: str) -> None:
    called: list[str] = []
    # Not every request that is asked for: the pages' policy stops those to other machines.
    page.on("response", lambda response: called.append(response.url))
    page.goto("/redoc")
    page.get_by_role("heading", name="Kechuangtong 科创通").wait_for()
    assert {url for url in called if not url.startswith((site, "data:", "blob:"))} == set()
