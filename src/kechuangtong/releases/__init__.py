"""Deals made public (交易公开), as open contracting data (OCDS)."""
