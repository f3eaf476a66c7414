"""Figures of deals (交易统计): from a match to money received."""
