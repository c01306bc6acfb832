"""The client for asyncio: the same nouns and verbs, awaited. Nothing here knows the service."""
