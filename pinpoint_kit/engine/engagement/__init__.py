"""Channels, templates and recommenders: what messages and campaigns are made of."""
