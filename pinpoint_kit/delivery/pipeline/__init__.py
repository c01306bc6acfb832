"""From the buffer to the request: lanes, batches, the worker, the ledger."""
