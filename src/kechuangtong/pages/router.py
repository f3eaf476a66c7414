"""The pages that a person opens (页面)."""

from fastapi import APIRouter

from kechuangtong.pages.accounts import router as accounts
from kechuangtong.pages.home import router as home
from kechuangtong.pages.lists import router as lists

router = APIRouter()
for _pages in (home, accounts, lists):
    router.include_router(_pages)
