"""The demand list (需求清单)."""

from kechuangtong.core.trade import ListKind
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.lists.service import ListService
from kechuangtong.models import Demand

demands = ListService(ListKind.DEMAND, Demand, DemandRead)
