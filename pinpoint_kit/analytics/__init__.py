"""Verbs that read: charts, event look-up, funnels, and how their results show.

What a number means stands in `pinpoint_kit.metrics`. No SQL here.
"""
