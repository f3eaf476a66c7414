"""Who may call what: every route for every kind of caller."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import quick_hash, settings_for, token_for
from examples import SIGN_IN, request_for
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.app import create_app
from kechuangtong.core import migrations
from kechuangtong.core.clock import now
from kechuangtong.core.db import Database
from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models import ApiKey, Membership, User
from kechuangtong.organizations.service import create_organization
from kechuangtong.runtime import Runtime
from kechuangtong.sample import ids
from kechuangtong.sample.service import load_sample

# In the order of the table's letters.
CALLERS = (
    "anonymous",
    "manager of another organization",
    "member",
    "editor",
    "manager",
    "reviewer of this district",
    "reviewer of another district",
    "administrator",
    "auditor",
    "key without the scope",
    "expired key",
    "locked user",
)
# What the documented example of an operation is answered with, by caller: + is anything but a
# refusal, 1 is 401 (who are you?), 3 is 403 (not you), 4 is 404 (not there for you).
TABLE = """
GET    /docs                                              ++++++++++++
GET    /docs/oauth2-redirect                              ++++++++++++
GET    /redoc                                             ++++++++++++
POST   /v1/auth/token                                     ++++++++++++
POST   /v1/auth/sign-out                                  1++++++++311
POST   /v1/auth/sign-out-everywhere                       1++++++++311
GET    /v1/auth/sign-ins                                  1++++++++311
GET    /v1/auth/me                                        1++++++++311
PATCH  /v1/auth/me                                        1++++++++311
GET    /v1/auth/me/data                                   1++++++++311
POST   /v1/auth/me/erase                                  1++++++++311
POST   /v1/auth/password                                  1++++++++311
POST   /v1/auth/password-resets                           ++++++++++++
POST   /v1/auth/password-resets/complete                  ++++++++++++
GET    /v1/auth/oidc                                      +++++++++311
GET    /v1/auth/oidc/{provider}                           444444444311
GET    /v1/auth/oidc/{provider}/callback                  444444444311
GET    /v1/api-keys                                       1++++++++311
POST   /v1/api-keys                                       1++++++++311
GET    /v1/api-keys/{key_id}                              1444444+4311
DELETE /v1/api-keys/{key_id}                              1444444+4311
GET    /v1/users                                          1333333++311
GET    /v1/users/{user_id}                                1333333++311
PATCH  /v1/users/{user_id}                                1333333+3311
POST   /v1/users/{user_id}/lock                           1333333+3311
POST   /v1/users/{user_id}/unlock                         1333333+3311
POST   /v1/users/{user_id}/erase                          1333333+3311
GET    /v1/organizations                                  +++++++++311
POST   /v1/organizations                                  1333333+3311
GET    /v1/organizations/{organization_id}                +++++++++311
PATCH  /v1/organizations/{organization_id}                1333+33+3311
POST   /v1/organizations/{organization_id}/merge          1333333+3311
GET    /v1/organizations/{organization_id}/members        14+++33++311
PATCH  /v1/organizations/{organization_id}/members/{user_id} 1433+33+3311
DELETE /v1/organizations/{organization_id}/members/{user_id} 1433+33+3311
GET    /v1/organizations/{organization_id}/invitations    1433+33++311
POST   /v1/organizations/{organization_id}/invitations    1333+33+3311
DELETE /v1/invitations/{invitation_id}                    1433+33+3311
POST   /v1/invitations/accept                             +++++++++311
POST   /v1/registrations                                  +++++++++311
GET    /v1/registrations                                  1++++++++311
GET    /v1/registrations/{registration_id}                14444+4++311
PATCH  /v1/registrations/{registration_id}                444443433311
POST   /v1/registrations/{registration_id}/withdraw       444443433311
GET    /v1/reviews                                        1++++++++311
GET    /v1/reviews/{review_id}                            14444+4++311
POST   /v1/reviews/{review_id}/approve                    13333+4+3311
POST   /v1/reviews/{review_id}/return                     13333+4+3311
GET    /v1/achievements                                   +++++++++311
POST   /v1/achievements                                   133++33+3311
GET    /v1/achievements/{achievement_id}                  +++++++++311
GET    /v1/achievements/{achievement_id}/completeness     +++++++++311
PATCH  /v1/achievements/{achievement_id}                  133++33+3311
POST   /v1/achievements/{achievement_id}/publish          143++33+3311
POST   /v1/achievements/{achievement_id}/submit           1434433+3311
POST   /v1/achievements/{achievement_id}/renew            1333333+3311
POST   /v1/achievements/{achievement_id}/withdraw         133++33+3311
DELETE /v1/achievements/{achievement_id}                  143++33+3311
GET    /v1/demands                                        +++++++++311
POST   /v1/demands                                        133++33+3311
GET    /v1/demands/{demand_id}                            +++++++++311
GET    /v1/demands/{demand_id}/completeness               +++++++++311
PATCH  /v1/demands/{demand_id}                            133++33+3311
POST   /v1/demands/{demand_id}/publish                    143++33+3311
POST   /v1/demands/{demand_id}/submit                     1434433+3311
POST   /v1/demands/{demand_id}/renew                      133++33+3311
POST   /v1/demands/{demand_id}/withdraw                   133++33+3311
DELETE /v1/demands/{demand_id}                            143++33+3311
GET    /v1/search                                         +++++++++311
GET    /v1/saved-searches                                 1++++33+3311
POST   /v1/saved-searches                                 13+++33+3311
GET    /v1/saved-searches/{search_id}                     14+++33+3311
GET    /v1/saved-searches/{search_id}/results             14+++33+3311
PATCH  /v1/saved-searches/{search_id}                     14+++33+3311
DELETE /v1/saved-searches/{search_id}                     14+++33+3311
GET    /v1/demands/{demand_id}/matches                    +++++++++311
GET    /v1/demands/{demand_id}/instruments                +++++++++311
GET    /v1/instruments/{instrument_id}/demands            +++++++++311
GET    /v1/achievements/{achievement_id}/matches          +++++++++311
POST   /v1/matches/search                                 +++++++++311
POST   /v1/matches/feedback                               1++++++++311
GET    /v1/interests                                      1++++33++311
POST   /v1/interests                                      1333333+3311
GET    /v1/interests/{interest_id}                        14+++33++311
POST   /v1/interests/{interest_id}/ask                    143++33+3311
POST   /v1/interests/{interest_id}/answer                 143++33+3311
POST   /v1/interests/{interest_id}/accept                 143++33+3311
POST   /v1/interests/{interest_id}/decline                1433333+3311
POST   /v1/interests/{interest_id}/withdraw               143++33+3311
GET    /v1/introductions                                  1++++33++311
GET    /v1/introductions/{introduction_id}                14+++33++311
GET    /v1/deals                                          1++++33++311
POST   /v1/deals                                          1+3++33+3311
GET    /v1/deals/board                                    1++++33++311
GET    /v1/deals/{deal_id}                                14+++33++311
GET    /v1/deals/{deal_id}/steps                          14+++33++311
POST   /v1/deals/{deal_id}/steps                          143++33+3311
POST   /v1/deals/{deal_id}/parties                        143++33+3311
DELETE /v1/deals/{deal_id}/parties/{organization_id}      143++33+3311
POST   /v1/deals/{deal_id}/documents                      143++33+3311
GET    /v1/deals/{deal_id}/documents                      14+++33++311
GET    /v1/deals/{deal_id}/documents/{document_id}        14+++33++311
DELETE /v1/deals/{deal_id}/documents/{document_id}        143++33+3311
GET    /v1/inbox                                          1++++33+3311
POST   /v1/inbox/read-all                                 13+++33+3311
POST   /v1/inbox/{notice_id}/read                         14+++33+3311
GET    /v1/webhooks                                       1+33+33+3311
POST   /v1/webhooks                                       1333+33+3311
GET    /v1/webhooks/event-types                           1+33+33+3311
GET    /v1/webhooks/{webhook_id}                          1433+33+3311
PATCH  /v1/webhooks/{webhook_id}                          1433+33+3311
DELETE /v1/webhooks/{webhook_id}                          1433+33+3311
POST   /v1/webhooks/{webhook_id}/rotate-secret            1433+33+3311
POST   /v1/webhooks/{webhook_id}/test                     1433+33+3311
GET    /v1/webhooks/{webhook_id}/deliveries               1433+33+3311
GET    /v1/webhooks/{webhook_id}/deliveries/{delivery_id} 1433+33+3311
POST   /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay 1433+33+3311
POST   /v1/webhooks/{webhook_id}/replay                   1433+33+3311
GET    /v1/statistics                                     ++++++++++11
GET    /v1/statistics/interests                           13+++33++311
GET    /v1/statistics/lists                               ++++++++++11
GET    /v1/statistics/records                             13+++33++311
GET    /v1/audit                                          1333333++311
GET    /v1/audit/export                                   1333333++311
GET    /v1/audit/{event_id}                               1333333++311
GET    /health/live                                       ++++++++++11
GET    /health/ready                                      ++++++++++11
GET    /v1/status                                         ++++++++++11
GET    /password-resets/{token}                           444444444444
POST   /password-resets/{token}                           344444444444
GET    /invitations/{token}                               444444444311
POST   /invitations/{token}                               344444444311
GET    /                                                  ++++++++++11
GET    /sign-in                                           ++++++++++++
POST   /sign-in                                           311111111111
POST   /sign-out                                          3+++++++++11
GET    /language                                          ++++++++++++
POST   /v1/achievements/{achievement_id}/attachments      133++33+3311
POST   /v1/demands/{demand_id}/attachments                133++33+3311
GET    /v1/achievements/{achievement_id}/attachments      +++++++++311
GET    /v1/demands/{demand_id}/attachments                +++++++++311
GET    /v1/attachments/{attachment_id}                    +++++++++311
GET    /v1/attachments/{attachment_id}/content            +++++++++311
PATCH  /v1/attachments/{attachment_id}                    133++33+3311
DELETE /v1/attachments/{attachment_id}                    133++33+3311
POST   /v1/imports                                        133++33+3311
GET    /v1/imports                                        1++++33++311
GET    /v1/imports/{import_id}                            14+++33++311
GET    /v1/imports/{import_id}/events                     14+++33++311
GET    /v1/imports/{import_id}/report                     14+++33++311
GET    /v1/imports/templates/{kind}.xlsx                  ++++++++++11
GET    /v1/imports/{import_id}/report.xlsx                14+++33++311
GET    /v1/achievements/export.xlsx                       13+++33++311
GET    /v1/achievements/export.csv                        13+++33++311
GET    /v1/demands/export.xlsx                            13+++33++311
GET    /v1/demands/export.csv                             13+++33++311
POST   /v1/achievements/bulk                              1+3++33+3311
POST   /v1/demands/bulk                                   1+3++33+3311
POST   /v1/lists/{kind}/editions                          1333333+3311
GET    /v1/lists/{kind}/editions                          +++++++++311
GET    /v1/lists/{kind}/editions/{number}.ndjson          +++++++++311
GET    /v1/lists/{kind}/editions/{number}.xlsx            +++++++++311
GET    /v1/lists/{kind}/editions/{number}                 +++++++++311
GET    /v1/lists/{kind}/editions/{number}/records         +++++++++311
GET    /v1/lists/{kind}/editions/{number}/differences     +++++++++311
GET    /v1/changes                                        +++++++++311
GET    /v1/dump                                           +++++++++311
GET    /v1/imports/fields/{kind}                          ++++++++++11
POST   /v1/imports/{import_id}/cancel                     143++33+3311
POST   /v1/imports/{import_id}/undo                       143++33+3311
GET    /statistics                                        ++++++++++11
GET    /statistics/instruments                            1++++33++311
GET    /match-runs                                        1++++33++311
POST   /match-runs                                        3++++33+3311
GET    /match-runs/{run_id}                               14+++33++311
POST   /match-runs/{run_id}/cancel                        34+++33+3311
POST   /v1/match-runs                                     13+++33+3311
GET    /v1/match-runs                                     1++++33++311
GET    /v1/match-runs/{run_id}                            14+++33++311
GET    /v1/match-runs/{run_id}/events                     14+++33++311
POST   /v1/match-runs/{run_id}/cancel                     14+++33+3311
GET    /v1/match-runs/{run_id}/pairs                      14+++33++311
GET    /v1/match-runs/{run_id}/pairs.xlsx                 14+++33++311
GET    /v1/match-runs/{run_id}/pairs.ndjson               14+++33++311
GET    /my/achievements                                   1++++33++311
GET    /my/demands                                        1++++33++311
POST   /my/achievements                                   3+3++33+3311
POST   /my/demands                                        3+3++33+3311
GET    /uploads                                           1++++33++311
POST   /uploads                                           3+3++33+3311
GET    /uploads/{import_id}                               14+++33++311
POST   /uploads/{import_id}/cancel                        343++33+3311
POST   /uploads/{import_id}/undo                          343++33+3311
POST   /uploads/{import_id}/again                         343++33+3311
GET    /search                                            +++++++++311
GET    /matches                                           +++++++++311
POST   /matches                                           3++++++++311
POST   /matches/feedback                                  3++++++++311
GET    /saved-searches                                    1++++33+3311
POST   /saved-searches                                    3++++33+3311
POST   /saved-searches/{search_id}/delete                 34+++33+3311
GET    /saved-searches/{search_id}/results                14+++33+3311
GET    /achievements/{achievement_id}                     +++++++++311
GET    /demands/{demand_id}                               +++++++++311
GET    /organizations/{organization_id}                   +++++++++311
GET    /instruments                                       +++++++++311
GET    /instruments/{instrument_id}                       +++++++++311
POST   /instruments/{instrument_id}/bookings              3++++33+3311
GET    /calendar-feeds                                    1++++++++311
POST   /calendar-feeds                                    3++++++++311
POST   /calendar-feeds/{feed_id}/revoke                   3444444+4311
GET    /webhooks                                          1+33+33+3311
POST   /webhooks                                          3+33+33+3311
GET    /webhooks/{webhook_id}                             1433+33+3311
GET    /webhooks/{webhook_id}/deliveries/{delivery_id}    1433+33+3311
POST   /webhooks/{webhook_id}/test                        3433+33+3311
POST   /webhooks/{webhook_id}/deliveries/{delivery_id}/replay 3433+33+3311
POST   /webhooks/{webhook_id}/active                      3433+33+3311
POST   /webhooks/{webhook_id}/rotate-secret               3433+33+3311
POST   /webhooks/{webhook_id}/delete                      3433+33+3311
GET    /bookings                                          1++++33++311
GET    /bookings/{booking_id}                             14+++33++311
POST   /bookings/{booking_id}/{verb}                      343++33+3311
GET    /interests                                         1++++33++311
GET    /interests/new                                     1+3++33+3311
POST   /interests                                         3+3++33+3311
GET    /interests/{interest_id}                           14+++33++311
POST   /interests/{interest_id}/{action}                  343++33+3311
GET    /introductions/{introduction_id}                   14+++33++311
GET    /deals                                             1++++33++311
POST   /deals                                             3+3++33+3311
GET    /deals/{deal_id}                                   14+++33++311
POST   /deals/{deal_id}/steps                             3+3++33+3311
POST   /deals/{deal_id}/documents                         343++33+3311
GET    /inbox                                             1++++33+3311
POST   /inbox/read-all                                    3++++33+3311
POST   /inbox/{notice_id}/read                            34+++33+3311
GET    /v1/instruments                                    +++++++++311
POST   /v1/instruments                                    133++33+3311
GET    /v1/instruments/{instrument_id}                    +++++++++311
PATCH  /v1/instruments/{instrument_id}                    133++33+3311
POST   /v1/instruments/{instrument_id}/publish            143++33+3311
POST   /v1/instruments/{instrument_id}/withdraw           133++33+3311
DELETE /v1/instruments/{instrument_id}                    143++33+3311
GET    /v1/instruments/{instrument_id}/availability       +++++++++311
GET    /v1/instruments/{instrument_id}/closures           +++++++++311
POST   /v1/instruments/{instrument_id}/closures           133++33+3311
DELETE /v1/instruments/{instrument_id}/closures/{closure_id} 133++33+3311
GET    /instruments/{instrument_id}/photographs           133++33+3311
POST   /instruments/{instrument_id}/photographs           333++33+3311
POST   /instruments/{instrument_id}/photographs/{photograph_id}/first 333++33+3311
POST   /instruments/{instrument_id}/photographs/{photograph_id}/delete 333++33+3311
GET    /v1/instruments/{instrument_id}/photographs        +++++++++311
POST   /v1/instruments/{instrument_id}/photographs        133++33+3311
GET    /v1/instruments/{instrument_id}/photographs/{photograph_id} +++++++++311
POST   /v1/instruments/{instrument_id}/photographs/{photograph_id}/first 133++33+3311
DELETE /v1/instruments/{instrument_id}/photographs/{photograph_id} 133++33+3311
GET    /v1/instruments/{instrument_id}/prices             +++++++++311
POST   /v1/instruments/{instrument_id}/prices             133++33+3311
DELETE /v1/instruments/{instrument_id}/prices/{price_id}  133++33+3311
GET    /v1/instruments/{instrument_id}/qualifications     +++++++++311
PUT    /v1/instruments/{instrument_id}/qualifications/{user_id} 133++33+3311
DELETE /v1/instruments/{instrument_id}/qualifications/{user_id} 133++33+3311
GET    /v1/instruments/export.xlsx                        13+++33++311
GET    /v1/instruments/export.json                        13+++33++311
GET    /v1/calendar-feeds                                 1++++++++311
POST   /v1/calendar-feeds                                 1++++++++311
DELETE /v1/calendar-feeds/{feed_id}                       1444444+4311
GET    /v1/calendar-feeds/{token}.ics                     ++++++++++++
GET    /v1/statistics/instruments                         13+++33++311
GET    /v1/statistics/deals                               ++++++++++11
GET    /v1/statistics/deals/yearly                        13+++33++311
GET    /v1/statistics/deals/yearly.xlsx                   13+++33++311
GET    /v1/deals/releases                                 +++++++++311
GET    /v1/deals/releases.ndjson                          +++++++++311
POST   /v1/deals/{deal_id}/publish                        143++33+3311
POST   /v1/deals/{deal_id}/unpublish                      143++33+3311
GET    /statistics/deals                                  ++++++++++11
GET    /v1/bookings                                       1++++33++311
POST   /v1/bookings                                       13+++33+3311
POST   /v1/bookings/series                                13+++33+3311
POST   /v1/bookings/series/{series_id}/approve            143++33+3311
POST   /v1/bookings/series/{series_id}/decline            143++33+3311
GET    /v1/bookings/statement                             1++++33++311
GET    /v1/bookings/{booking_id}                          14+++33++311
POST   /v1/bookings/{booking_id}/approve                  143++33+3311
POST   /v1/bookings/{booking_id}/decline                  143++33+3311
POST   /v1/bookings/{booking_id}/cancel                   143++33+3311
POST   /v1/bookings/{booking_id}/start                    143++33+3311
POST   /v1/bookings/{booking_id}/finish                   143++33+3311
POST   /v1/bookings/{booking_id}/no-show                  143++33+3311
POST   /v1/bookings/{booking_id}/rate                     143++33+3311
GET    /v1/policies                                       +++++++++311
GET    /v1/calculators                                    +++++++++311
POST   /v1/calculators/transaction-amount                 +++++++++311
POST   /v1/calculators/registration-deadline              +++++++++311
POST   /v1/calculators/reward                             +++++++++311
POST   /v1/calculators/transfer-tax-relief                +++++++++311
POST   /v1/calculators/rd-deduction                       +++++++++311
POST   /v1/calculators/subsidy                            +++++++++311
POST   /v1/calculators/commission                         +++++++++311
GET    /calculators                                       +++++++++311
GET    /calculators/{name}                                +++++++++311
POST   /calculators/{name}                                3++++++++311
GET    /brokers                                           +++++++++311
GET    /brokers/{broker_id}                               +++++++++311
GET    /service-institutions                              +++++++++311
GET    /mandates/{mandate_id}                             14+++44++311
POST   /mandates/{mandate_id}/{action}                    3433344+3311
PUT    /v1/achievements/{achievement_id}/ownership        133++33+3311
GET    /v1/achievements/{achievement_id}/ownership        +++++++++311
GET    /v1/achievements/{achievement_id}/ownership/history +++++++++311
GET    /v1/achievements/{achievement_id}/ownership/reward 13+++33++311
GET    /v1/sales                                          +++++++++311
POST   /v1/sales                                          133++33+3311
GET    /v1/sales/{sale_id}                                +++++++++311
PATCH  /v1/sales/{sale_id}                                143++33+3311
POST   /v1/sales/{sale_id}/publish                        143++33+3311
POST   /v1/sales/{sale_id}/withdraw                       143++33+3311
POST   /v1/sales/{sale_id}/award                          133++33+3311
GET    /v1/sales/{sale_id}/bids                           +++++++++311
POST   /v1/sales/{sale_id}/bids                           133++33+3311
GET    /v1/sales/{sale_id}/applications                   +++++++++311
POST   /v1/sales/{sale_id}/applications                   133++33+3311
GET    /v1/sales/{sale_id}/objections                     1++++33++311
POST   /v1/sales/{sale_id}/objections                     133++33+3311
POST   /v1/sales/{sale_id}/objections/{objection_id}/decide 133++33+3311
POST   /v1/sales/{sale_id}/first-refusal                  133++33+3311
POST   /v1/sales/{sale_id}/first-refusal/answer           133++33+3311
GET    /v1/brokers                                        +++++++++311
POST   /v1/brokers                                        133++33+3311
GET    /v1/brokers/suggestions                            +++++++++311
GET    /v1/brokers/{broker_id}                            +++++++++311
PATCH  /v1/brokers/{broker_id}                            133++33+3311
POST   /v1/brokers/{broker_id}/submit                     143++44+3311
POST   /v1/brokers/{broker_id}/approve                    13333+4+3311
POST   /v1/brokers/{broker_id}/return                     13333+4+3311
POST   /v1/brokers/{broker_id}/suspend                    13333+3+3311
POST   /v1/brokers/{broker_id}/reinstate                  13333+4+3311
POST   /v1/brokers/{broker_id}/renew                      133++33+3311
GET    /v1/brokers/{broker_id}/figures                    +++++++++311
GET    /v1/brokers/{broker_id}/training                   +++++++++311
POST   /v1/brokers/{broker_id}/training                   133++33+3311
DELETE /v1/brokers/{broker_id}/training/{training_id}     133++33+3311
GET    /v1/brokers/{broker_id}/conflicts                  +++++++++311
POST   /v1/brokers/{broker_id}/conflicts                  133++33+3311
DELETE /v1/brokers/{broker_id}/conflicts/{conflict_id}    133++33+3311
GET    /v1/deals/{deal_id}/brokers                        14+++33++311
POST   /v1/deals/{deal_id}/brokers                        143++33+3311
POST   /v1/deals/{deal_id}/brokers/{broker_id}/agree      143++33+3311
DELETE /v1/deals/{deal_id}/brokers/{broker_id}            143++33+3311
GET    /v1/mandates                                       1++++++++311
POST   /v1/mandates                                       133++33+3311
GET    /v1/mandates/{mandate_id}                          14+++44++311
POST   /v1/mandates/{mandate_id}/accept                   1433344+3311
POST   /v1/mandates/{mandate_id}/decline                  1433344+3311
POST   /v1/mandates/{mandate_id}/revoke                   143++44+3311
POST   /v1/mandates/{mandate_id}/resign                   1433344+3311
GET    /v1/service-institutions                           +++++++++311
GET    /v1/service-institutions/{organization_id}         +++++++++311
PUT    /v1/service-institutions/{organization_id}         133++33+3311
PUT    /v1/service-institutions/{organization_id}/membership 1333333+3311
DELETE /v1/service-institutions/{organization_id}/membership 1333333+3311
GET    /sales                                             +++++++++311
GET    /sales/{sale_id}                                   +++++++++311
POST   /sales/{sale_id}/bids                              3+3++33+3311
POST   /sales/{sale_id}/applications                      3+3++33+3311
GET    /v1/contracts                                      1++++33++311
POST   /v1/contracts                                      1+3++33+3311
GET    /v1/contracts/{contract_id}                        14+++33++311
PATCH  /v1/contracts/{contract_id}                        143++33+3311
POST   /v1/contracts/{contract_id}/confirm 143++33+3311
POST   /v1/contracts/{contract_id}/discard 143++33+3311
POST   /v1/contracts/{contract_id}/amendments 143++33+3311
POST   /v1/contracts/{contract_id}/amendments/{proposal_id}/confirm 143++33+3311
POST   /v1/contracts/{contract_id}/amendments/{proposal_id}/discard 143++33+3311
POST   /v1/contracts/{contract_id}/cancellations 143++33+3311
POST   /v1/contracts/{contract_id}/cancellations/{proposal_id}/confirm 143++33+3311
POST   /v1/contracts/{contract_id}/cancellations/{proposal_id}/discard 143++33+3311
POST   /v1/contracts/{contract_id}/registration 143++33+3311
POST   /v1/contracts/{contract_id}/registration/accept 143++33+3311
POST   /v1/contracts/{contract_id}/registration/grant 143++33+3311
POST   /v1/contracts/{contract_id}/registration/refuse 143++33+3311
POST   /v1/contracts/{contract_id}/receipts 143++33+3311
POST   /v1/contracts/{contract_id}/receipts/{receipt_id}/reverse 143++33+3311
POST   /v1/contracts/{contract_id}/royalty-reports 143++33+3311
POST   /v1/contracts/{contract_id}/payments/{payment_id}/reach 143++33+3311
GET    /v1/contracts/{contract_id}/versions               14+++33++311
GET    /v1/contracts/{contract_id}/payments               14+++33++311
GET    /v1/payments                                       1++++33++311
GET    /contracts                                         1++++33++311
GET    /contracts/{contract_id}                           14+++33++311
POST   /contracts/{contract_id}/confirm                   343++33+3311
POST   /contracts/{contract_id}/receipts                  343++33+3311
POST   /contracts/{contract_id}/receipts/{receipt_id}/reverse 343++33+3311
POST   /sales/{sale_id}/objections                        3+3++33+3311
POST   /sales/{sale_id}/objections/{objection_id}         3+3++33+3311
POST   /sales/{sale_id}/first-refusal                     3+3++33+3311
POST   /sales/{sale_id}/{move}                            333++33+3311
GET    /deals/{deal_id}/contract                          143++33+3311
POST   /deals/{deal_id}/contract                          343++33+3311
POST   /contracts/{contract_id}                           343++33+3311
POST   /contracts/{contract_id}/discard                   343++33+3311
POST   /contracts/{contract_id}/registration/{step}       343++33+3311
POST   /contracts/{contract_id}/payments/{due_id}/reached 343++33+3311
POST   /contracts/{contract_id}/royalty-reports           343++33+3311
POST   /contracts/{contract_id}/amendments                343++33+3311
POST   /contracts/{contract_id}/cancellations             343++33+3311
POST   /contracts/{contract_id}/proposals/{proposal_id}/{answer} 343443343311
"""


@asynccontextmanager
async def platform(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[FastAPI, dict[str, str | None]]]:
    """The sample's organizations with people of every kind: the application, and their tokens.

    Nothing that a request writes is kept, so that each finds the same.
    """
    settings = settings_for(folder, f"sqlite+aiosqlite:///{folder / 'matrix.sqlite'}")
    database = Database(settings.resolved_database_url)
    await migrations.migrate(database)
    async with database.write() as session:
        await load_sample(session)
        users = await _people(session)
    await database.close()
    monkeypatch.setattr("kechuangtong.app.working", lambda runtime: nullcontext())
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        runtime: Runtime = app.state.runtime
        tokens: dict[str, str | None] = {
            caller: await token_for(runtime, user.id) for caller, user in users.items()
        }
        async with runtime.database.write() as session:
            for caller, lasts in (("key without the scope", 1), ("expired key", -1)):
                tokens[caller] = secret = f"kct_{caller.replace(' ', '_')}"
                session.add(_key(users["administrator"], secret, timedelta(days=lasts)))
        monkeypatch.setattr(Database, "write", _forgetful)
        yield app, {"anonymous": None, **tokens}


async def _people(session: AsyncSession) -> dict[str, User]:
    other = await create_organization(
        session, OPERATOR, name="旁观大学", kind=OrganizationKind.UNIVERSITY
    )
    here, there = "四川省成都市", "四川省绵阳市"
    users = {
        "manager of another organization": User(),
        "member": User(),
        "editor": User(),
        "manager": User(),
        "reviewer of this district": User(platform_role=PlatformRole.REVIEWER, district=here),
        "reviewer of another district": User(platform_role=PlatformRole.REVIEWER, district=there),
        "administrator": User(platform_role=PlatformRole.ADMINISTRATOR),
        "auditor": User(platform_role=PlatformRole.AUDITOR),
        "locked user": User(platform_role=PlatformRole.ADMINISTRATOR, locked_at=now()),
    }
    for caller, user in users.items():
        user.name, user.password_hash = caller, quick_hash(SIGN_IN["password"])
    session.add_all(users.values())
    await session.flush()  # for their ids
    roles = {"member": Role.MEMBER, "editor": Role.EDITOR, "manager": Role.MANAGER}
    for caller, role in roles.items():
        for organization in (ids.ORGANIZATION, ids.ENTERPRISE):
            session.add(
                Membership(
                    user_id=users[caller].id, organization_id=uuid.UUID(organization), role=role
                )
            )
    stranger = users["manager of another organization"]
    session.add(Membership(user_id=stranger.id, organization_id=other.id, role=Role.MANAGER))
    return users


def _key(user: User, secret: str, lasts: timedelta) -> ApiKey:
    return ApiKey(
        user_id=user.id,
        name="matrix",
        scopes=[],
        hint=secret[:10],
        secret_hash=hashlib.sha256(secret.encode()).hexdigest(),
        expires_at=now() + lasts,
    )


@asynccontextmanager
async def _forgetful(database: Database) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(database._writers, expire_on_commit=False) as session:
        yield session
        await session.flush()


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            for method in sorted(context.methods or ()):
                yield method, str(context.path)


def _of_sample(path: str) -> str:
    """A page of a record of the sample; the API's documentation says which itself."""
    return path if path.startswith("/v1") else path.format_map(_SAMPLE)


class _Sample(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


_SAMPLE = _Sample(
    achievement_id=ids.ACHIEVEMENT,
    demand_id=ids.DEMAND,
    import_id=ids.IMPORT,
    interest_id=ids.INTEREST,
    introduction_id=ids.INTRODUCTION,
    notice_id=ids.NOTICE,
    search_id=ids.SAVED_SEARCH,
    kind="achievements",
    run_id=ids.MATCH_RUN,
    organization_id=ids.ORGANIZATION,
    action="accept",
    instrument_id=ids.INSTRUMENT,
    photograph_id=ids.PHOTOGRAPH,
    booking_id=ids.BOOKING,
    contract_id=ids.CONTRACT,
    receipt_id=ids.RECEIPT,
    feed_id=ids.CALENDAR_FEED,
    webhook_id=ids.WEBHOOK,
    delivery_id=ids.WEBHOOK_DELIVERY,
    verb="approve",
    name="reward",
    deal_id=ids.DEAL,
    sale_id=ids.AUCTION,
    broker_id=ids.BROKER,
    mandate_id=ids.MANDATE,
    due_id=ids.PAYMENT_DUE,
    proposal_id=ids.AMENDMENT,
    objection_id=ids.OBJECTION,
    step="apply",
    answer="confirm",
    move="publish",
)


def letter(answer: httpx.Response) -> str:
    if answer.headers.get("location", "").startswith("/sign-in"):
        return "1"
    return {401: "1", 403: "3", 404: "4", 429: "!", 500: "!"}.get(answer.status_code, "+")


async def test_every_route_answers_every_kind_of_caller_as_the_table_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {tuple(line.split()[:2]): line.split()[2] for line in TABLE.strip().splitlines()}
    observed: dict[tuple[str, str], str] = {}
    async with platform(tmp_path, monkeypatch) as (app, tokens):
        document = app.openapi()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for method, path in routes(app):
                operation = document["paths"].get(path, {}).get(method.lower(), {})
                request = request_for(document, method, _of_sample(path), operation)
                letters = ""
                for caller in CALLERS:
                    token = tokens[caller]
                    headers = {"Authorization": f"Bearer {token}"} if token else {}
                    headers |= request["headers"]
                    letters += letter(await client.request(**{**request, "headers": headers}))
                observed[method, path] = letters
    assert len(observed) > 30
    wrong = [
        f"{method:6} {path:50} {letters}  # {_differences(expected.get((method, path)), letters)}"
        for (method, path), letters in observed.items()
        if expected.get((method, path)) != letters
    ]
    wrong += [f"{' '.join(route)}: no such route" for route in expected.keys() - observed.keys()]
    if wrong:
        pytest.fail("as observed, to be checked by a person:\n" + "\n".join(wrong), pytrace=False)


def _differences(expected: str | None, observed: str) -> str:
    if expected is None or len(expected) != len(observed):
        return "not in the table"
    pairs: list[tuple[str, Any, Any]] = list(zip(CALLERS, expected, observed, strict=True))
    return ", ".join(f"{caller}: {was} expected" for caller, was, found in pairs if was != found)
