"""The pages that a person opens (页面)."""

from fastapi import APIRouter

from kechuangtong.pages.accounts import router as accounts
from kechuangtong.pages.bookings import router as bookings
from kechuangtong.pages.brokers import router as brokers
from kechuangtong.pages.calculators import router as calculators
from kechuangtong.pages.calendar_feeds import router as calendar_feeds
from kechuangtong.pages.contacts import router as contacts
from kechuangtong.pages.contract_steps import router as contract_steps
from kechuangtong.pages.contracts import router as contracts
from kechuangtong.pages.deal_figures import router as deal_figures
from kechuangtong.pages.deals import router as deals
from kechuangtong.pages.home import router as home
from kechuangtong.pages.instrument_years import router as instrument_years
from kechuangtong.pages.instruments import router as instruments
from kechuangtong.pages.lists import router as lists
from kechuangtong.pages.match_runs import router as match_runs
from kechuangtong.pages.records import router as records
from kechuangtong.pages.sales import router as sales
from kechuangtong.pages.searching import router as searching
from kechuangtong.pages.statistics import router as statistics
from kechuangtong.pages.webhooks import router as webhooks

router = APIRouter()
_all = (
    home,
    accounts,
    searching,
    records,
    lists,
    instruments,
    instrument_years,
    bookings,
    brokers,
    calendar_feeds,
    calculators,
    sales,
    contacts,
    deals,
    contracts,
    contract_steps,
    match_runs,
    statistics,
    webhooks,
    deal_figures,
)
for _pages in _all:
    router.include_router(_pages)
