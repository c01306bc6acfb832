"""What databases differ in. No other room of the engine names a database.

The store stands on the protocol in dialect.py; known.py finds the implementation for a URL. What
the engine assumes of every database, and what each assumption needs, is listed in assumptions.py.
"""
