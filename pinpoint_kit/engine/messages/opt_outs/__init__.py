"""Opt-outs of addresses: who must not be sent to, whether there is an endpoint or not."""
