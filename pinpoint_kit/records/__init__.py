"""Files of endpoints, CSV and newline-delimited JSON: read row by row, the same on both sides.

The engine's import jobs and the SDK's `endpoints.load` read files by these rules, so that what one
finds right the other does not refuse. Pure reading: nothing of the engine, nothing of the SDK.
"""
