"""Receives providers' webhooks: who may send, and the ASGI app."""
