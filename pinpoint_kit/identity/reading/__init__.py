"""Turns one provider's record into events: values, paths, rules and the one generic reader.

Pure: no client, no key, no clock, no network. What a provider says is data, and may be hostile.
"""
