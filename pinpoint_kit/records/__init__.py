"""What files and streams look like: files of endpoints, records of event streams, destinations.

The engine's import jobs and the SDK's `endpoints.load` read files by the same rules, so that what
one finds right the other does not refuse. Pure: nothing of the engine, nothing of the SDK.
"""
