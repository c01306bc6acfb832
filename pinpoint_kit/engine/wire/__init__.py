"""Pinpoint's wire protocol: routes, shapes, bodies, pages, errors."""
