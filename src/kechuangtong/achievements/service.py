"""The achievement list (成果清单)."""

from kechuangtong.achievements.schemas import AchievementRead
from kechuangtong.core.trade import ListKind
from kechuangtong.lists.service import ListService
from kechuangtong.models import Achievement

achievements = ListService(ListKind.ACHIEVEMENT, Achievement, AchievementRead)
