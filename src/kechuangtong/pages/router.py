"""The pages that a person opens (页面)."""

from fastapi import APIRouter

from kechuangtong.pages.accounts import router as accounts
from kechuangtong.pages.contacts import router as contacts
from kechuangtong.pages.home import router as home
from kechuangtong.pages.records import router as records
from kechuangtong.pages.searching import router as searching

router = APIRouter()
for _pages in (home, accounts, searching, records, contacts):
    router.include_router(_pages)
