"""Pages in a real browser: on a desktop and on a phone, with what holds for all of them checked."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from conftest import serving_demo
from kechuangtong.sample.service import PASSWORD, USER

_SIZES = {"desktop": (1280, 800), "phone": (360, 740)}
_GRAVE = {"serious", "critical"}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a served demo, which these tests share: each makes what it changes."""
    with serving_demo(tmp_path_factory.mktemp("site")) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser. Its driver has an event loop of its own: tests with one are not beside it in
    a module."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    if binary is None:
        pytest.skip("there is no Chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass(frozen=True)
class Visitor:
    """A person at a browser."""

    page: Page
    device: str
    site: str

    def opens(self, path: str) -> None:
        """Opens a page, which has to be sound."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        self.checks()

    def signs_in(self, name: str = USER, password: str = PASSWORD) -> None:
        """Signs in by the page."""
        self.page.goto("/sign-in")
        self.page.get_by_label("用户名").fill(name)
        self.page.get_by_label("密码").fill(password)
        self.page.get_by_role("main").get_by_role("button", name="登录").click()
        self.page.wait_for_url(f"{self.site}/")

    def checks(self) -> None:
        """What holds for every page: everyone can use it, and it is no wider than the screen."""
        found = Axe().run(self.page).response["violations"]
        grave = [
            f"{one['id']}: {one['help']} {node['html'][:200]}"
            for one in found
            if one["impact"] in _GRAVE
            for node in one["nodes"]
        ]
        assert grave == []
        beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(beyond) <= 0, "the page is wider than the screen"
        assert self.page.get_by_role("heading", level=1).count() == 1


@pytest.fixture(params=list(_SIZES))
def visitor(request: pytest.FixtureRequest, chromium: Browser, site: str) -> Iterator[Visitor]:
    """Someone who opens the pages, in Chinese; nothing fails in the browser meanwhile, and nothing
    is fetched from elsewhere."""
    width, height = _SIZES[request.param]
    context = chromium.new_context(
        base_url=site,
        locale="zh-CN",
        viewport={"width": width, "height": height},
        is_mobile=request.param == "phone",
        has_touch=request.param == "phone",
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    failed: list[str] = []
    elsewhere: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("console", lambda said: failed.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda sent: (
            elsewhere.append(sent.url)
            if not sent.url.startswith((site, "data:", "blob:"))
            else None
        ),
    )
    yield Visitor(page, request.param, site)
    context.close()
    assert [one for one in failed if "Failed to load resource" not in one] == []
    assert elsewhere == []


def register_enterprise(operator: httpx.Client, name: str, code: str) -> str:
    """The name of a new user, whose is a new enterprise."""
    body = {
        "user": {"name": name, "password": PASSWORD, "email": f"{name}@example.org"},
        "name": f"{name}食品有限公司",
        "kind": "enterprise",
        "code": code,
        "proof": "营业执照",
    }
    made = httpx.post(f"{operator.base_url}/v1/registrations", json=body, trust_env=False)
    asked = {"subject_id": made.raise_for_status().json()["id"]}
    (review,) = operator.get("/v1/reviews", params=asked).json()["items"]
    approve = f"/v1/reviews/{review['id']}/approve"
    operator.post(approve, headers={"If-Match": "*"}).raise_for_status()
    return name


@pytest.fixture(scope="session")
def operator(site: str) -> Iterator[httpx.Client]:
    """The demo's administrator, by the API."""
    with httpx.Client(base_url=site, trust_env=False, timeout=30) as client:
        form = {"username": USER, "password": PASSWORD}
        token = client.post("/v1/auth/token", data=form).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client
