"""Endpoints and the users behind them: merging, reading, listing."""
