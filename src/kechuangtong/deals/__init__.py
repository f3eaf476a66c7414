"""Deals (交易): interest, introduction, agreement, contract, registration, receipts."""
