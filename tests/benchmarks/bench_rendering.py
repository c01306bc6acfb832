"""How long a typical message takes to render: `python tests/benchmarks/bench_rendering.py`."""

from __future__ import annotations

import time
from typing import Any

from pinpoint_kit.templating import Template, compile_template, variables_of

TEXT = (
    "Hello {{User.UserAttributes.FirstName.[0]}} {{User.UserAttributes.[Last Name].[0]}},\n"
    "{{#if Attributes.plan.[0]}}your plan is {{Attributes.plan.[0]}}{{else}}no plan{{/if}}\n"
    "{{Address}} {{Demographic.Make}}"
)
ENDPOINT: dict[str, Any] = {
    "Address": "ada@example.com",
    "Attributes": {"plan": ["pro"]},
    "Demographic": {"Make": "Acme"},
    "User": {"UserAttributes": {"FirstName": ["Ada"], "Last Name": ["Byron & King"]}},
}
ROUNDS = 50_000


def main() -> None:
    """Print microseconds of processor time a rendering, and a reading of the template."""
    template, variables = compile_template(TEXT), variables_of(ENDPOINT)
    cases: dict[str, tuple[tuple[dict[str, Any], ...], bool]] = {
        "text": ((), False),
        "HTML": ((), True),
        "text, with defaults": (({"promo": "x"},), False),
    }
    for name, (defaults, escape) in cases.items():
        started = time.process_time()
        for _ in range(ROUNDS):
            template.render(variables, *defaults, escape=escape)
        spent = (time.process_time() - started) / ROUNDS * 1e6
        print(f"{name}: {spent:.1f} µs")
    started = time.process_time()
    for _ in range(1_000):
        Template(TEXT)
    print(f"reading the template: {(time.process_time() - started) * 1e3:.0f} µs")


if __name__ == "__main__":
    main()
