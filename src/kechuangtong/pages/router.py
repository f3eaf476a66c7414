"""The pages that a person opens (页面)."""

from fastapi import APIRouter

from kechuangtong.pages.accounts import router as accounts
from kechuangtong.pages.contacts import router as contacts
from kechuangtong.pages.home import router as home
from kechuangtong.pages.lists import router as lists
from kechuangtong.pages.match_runs import router as match_runs
from kechuangtong.pages.records import router as records
from kechuangtong.pages.searching import router as searching
from kechuangtong.pages.statistics import router as statistics

router = APIRouter()
for _pages in (home, accounts, searching, records, lists, contacts, match_runs, statistics):
    router.include_router(_pages)
