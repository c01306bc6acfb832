"""Numbers and the events behind them: what metrics/ defines, asked of the store."""
