"""Writes the pages of the documentation that would otherwise drift.

    python docs/generate.py

Each page is made from the thing that it describes: the limits from their attrs metadata, the
compatibility table from the engine's own, the errors from the module's docstring and the command
line from click. The pages are files of the checkout; a test compares them with what the functions
return.

The package is imported inside the functions, so that one page's needs do not fail another's.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import click

    from pinpoint_kit.engine import Coverage

#: The families of the compatibility page; an operation belongs to the first that its name matches.
_FAMILIES = {
    "Analytics": r"Kpi$|Metrics$|Activities$",
    "Jobs": r"Job",
    "Templates": r"Template",
    "Event streams": r"EventStream",
    "Events": r"Event",
    "Endpoints and users": r"Endpoint|^RemoveAttributes",
    "Channels": r"Channel",
    "Applications": r"Apps?$|ApplicationSettings",
    "Tags": r"Resource$",
    "Segments": r"Segment",
    "Campaigns": r"Campaign",
    "Journeys": r"Journey",
    "Messages": r"Message|PhoneNumber",
    "Recommenders": r"Recommender",
}

_STATUSES = {
    "emulated": "answers as the service does; choices are on the [fidelity page](../fidelity.md)",
    "partial": "answers, with the differences that the note names",
    "refused": "answers a clear error that names the operation",
}


def limits_page() -> str:
    """Return the limits: value, unit, meaning and source."""
    from pinpoint_kit import limits  # noqa: PLC0415 -- see the top of the file

    rows = (
        (
            f"`{field.name}`",
            _amount(field.default, field.metadata["unit"]),
            field.metadata["meaning"],
            field.metadata["source"],
        )
        for field in limits.Limits.__attrs_attrs__
    )
    quotas = (
        (f"`{name}`", _amount(quota.value, quota.unit), quota.meaning, quota.source)
        for name, quota in limits.QUOTAS.items()
    )
    return "\n".join(
        [
            "# Limits",
            "",
            "Packing, validation, pacing and the engine enforce these numbers, and read them from",
            "one value, `Limits`. MB is 1,000,000 bytes and KB 1,000 bytes, the stricter reading.",
            "Hand another value to `connect(limits=...)` where yours differ.",
            "",
            *_table(("Name", "Value", "Applies to", "Source"), rows),
            "",
            "::: pinpoint_kit.Limits",
            "    options:",
            "      members: []",
            "      merge_init_into_class: false",
            "",
            "::: pinpoint_kit.UNLIMITED",
            "",
            "Use it for a limit that should not apply, for example",
            "`Limits(max_endpoints_per_user=UNLIMITED)`.",
            "",
            "## Published, not enforced",
            "",
            "The hosted service published these quotas too. Nothing here enforces them; they stand",
            "in `pinpoint_kit.limits.QUOTAS`, each with its value, unit, source and meaning.",
            "",
            *_table(("Name", "Value", "Applies to", "Source"), quotas),
            "",
        ]
    )


def _amount(value: object, unit: str) -> str:
    from pinpoint_kit import limits  # noqa: PLC0415 -- see the top of the file

    return "no limit" if value == limits.UNLIMITED else f"{value:,}&nbsp;{unit}"


def compatibility_page() -> str:
    """Every operation of the service model, and what the engine makes of it."""
    from pinpoint_kit import engine  # noqa: PLC0415 -- see the top of the file

    coverage = list(engine.coverage())
    counts = Counter(str(row.status) for row in coverage)
    totals = ((name, str(counts[name]), meaning) for name, meaning in _STATUSES.items())
    families = _families(coverage)
    overview = (
        (f"[{name}](#{name.lower().replace(' ', '-')})", *_counts(rows))
        for name, rows in families.items()
    )
    return "\n".join(
        [
            "# Compatibility",
            "",
            f"The service model has {len(coverage)} operations. The embedded engine answers them",
            "as follows. This page is generated from the engine's own table.",
            "",
            *_table(("Status", "Operations", "Meaning"), totals),
            "",
            *_table(("Operations for", *_STATUSES), overview),
            "",
            *(line for name, rows in families.items() for line in _family(name, rows)),
        ]
    )


def _families(coverage: Iterable[Coverage]) -> dict[str, list[Coverage]]:
    """Return the operations by family, what is answered first."""
    order = list(_STATUSES)
    found: dict[str, list[Coverage]] = {}
    for row in sorted(coverage, key=lambda row: (order.index(str(row.status)), row.operation)):
        family = next(name for name, form in _FAMILIES.items() if re.search(form, row.operation))
        found.setdefault(family, []).append(row)

    def rank(family: str) -> tuple[object, ...]:
        counts = Counter(str(row.status) for row in found[family])
        return *(-counts[status] for status in order[:-1]), family

    return {family: found[family] for family in sorted(found, key=rank)}


def _counts(rows: Sequence[Coverage]) -> list[str]:
    counts = Counter(str(row.status) for row in rows)
    return [str(counts[status] or "") for status in _STATUSES]


def _family(name: str, rows: Sequence[Coverage]) -> list[str]:
    if not any(row.note for row in rows):
        cells = ((f"`{row.operation}`", str(row.status)) for row in rows)
        return [f"## {name}", "", *_table(("Operation", "Status"), cells), ""]
    noted = ((f"`{row.operation}`", str(row.status), row.note) for row in rows)
    return [f"## {name}", "", *_table(("Operation", "Status", "Note"), noted), ""]


def errors_page() -> str:
    """Return the tree of errors as the module prints it, then each class."""
    from pinpoint_kit import errors  # noqa: PLC0415 -- see the top of the file

    lines = inspect.cleandoc(errors.__doc__ or "").splitlines()
    tree = "\n".join(line[4:] for line in lines if line.startswith("    ") or not line).strip()
    names = _in_source_order(errors.__all__)
    rows = (
        (f"`{name}`", "yes" if leaf.is_retryable else "no", leaf.next_step)
        for name, leaf in ((name, getattr(errors, name)) for name in names)
        if issubclass(leaf, errors.ServiceError) and leaf is not errors.ServiceError
    )
    return "\n".join(
        [
            "# Errors",
            "",
            "```text",
            tree,
            "```",
            "",
            "Every error says what to do next, knows `is_retryable` and survives pickling.",
            "Our own messages never hold addresses, user ids or attribute values.",
            "",
            "## When the service refuses",
            "",
            *_table(("Error", "Worth a retry", "What to do"), rows),
            "",
            *(f"::: pinpoint_kit.errors.{name}" for name in names),
            "",
        ]
    )


def cli_page() -> str:
    """Each command of the command line, with click's own help."""
    lines = [
        "# Command line",
        "",
        "Install it with `pip install 'pinpoint-kit[cli]'`. Each text below is what the command",
        "prints with `--help`.",
        "",
    ]
    for context in _contexts(_cli(), "pinpoint-kit", None):
        text = context.command.get_help(context)
        lines += [f"## {context.command_path}", "", "```text", text, "```", ""]
    return "\n".join(lines)


#: The first line of each generated page.
_NOTE = "<!-- Generated: change docs/generate.py or what it reads, and run it. -->\n\n"


#: What is generated: address in the documentation -> function that returns the Markdown.
def identity_providers_page() -> str:
    """Every provider's table: what its words become, and what is left out and why."""
    from pinpoint_kit.identity import PROVIDERS, provider  # noqa: PLC0415 -- see the top of the file

    lines = [
        "# Identity providers",
        "",
        "What the types of each provider's records become. `:` stands between the parts of a type,",
        "`*` for anything. A type that is not here is counted as unknown. A table is a value:",
        "`extended` changes it.",
    ]
    for name in PROVIDERS:
        table = provider(name)
        rows = []
        for kind, rule in table.rules.items():
            becomes = f"`{rule.event}`" if rule.event else f"left out: {rule.reason}"
            notes = [f"option `{rule.option}`"] if rule.option else []
            if rule.reasons:
                notes.append("only for " + ", ".join(f"`{r}`" for r in sorted(rule.reasons)))
            if rule.needs:
                notes.append("only with a person")
            if rule.starts_session:
                notes.append("with a session, `_session.start` too")
            rows.append([f"`{kind}`", becomes, "; ".join(notes)])
        lines += ["", f"## {name}", "", *_table(["Type", "Becomes", ""], rows)]
    return "\n".join(lines) + "\n"


def metrics_page() -> str:
    """Write what every number means, and the KPI names of ours."""
    from pinpoint_kit import metrics  # noqa: PLC0415 -- see the top of the file
    from pinpoint_kit.engine.analytics import kpis  # noqa: PLC0415 -- as above

    lines = [
        "# Metrics",
        "",
        "Each number is defined once and means the same on every database. A day is a calendar day",
        "of the zone that is asked for. What is not known yet is None, never a wrong number.",
        "",
    ]
    for definition in metrics.DEFINITIONS.values():
        arguments = (
            (f"`{argument.name}`", argument.meaning, _default(argument.default))
            for argument in definition.takes
        )
        lines += [
            f"## {definition.title}",
            "",
            f"`{definition.name}`, in {definition.unit}.",
            "",
            definition.definition,
            "",
            f"**Counted:** {definition.counted}",
            "",
            f"**Source:** {definition.source}",
            "",
            f"**Differs:** {definition.differs}",
            "",
            *_table(("Argument", "Meaning", "Default"), arguments),
            "",
        ]
    own = (
        (f"`{name}`", f"`{kpi.metric}`", f"`{kpi.key}`") for name, kpi in sorted(kpis.OWN.items())
    )
    return "\n".join(
        [
            *lines,
            "## KPI names",
            "",
            "`GetApplicationDateRangeKpi` answers these names beside Pinpoint's own, so that",
            "clients in any language read the same numbers. Append `-grouped-by-date`, or",
            "`-grouped-by-platform`, `-app-version`, `-make`, `-model`, `-country`, `-locale`;",
            "`events` also by `type`, and `revenue` by `currency`. Days are UTC; Pinpoint's",
            "limits of 31 and 90 days hold for Pinpoint's names only.",
            "",
            *_table(("KPI", "Metric", "Key of the value"), own),
            "",
            "Pinpoint's own names have no rows while nothing is sent:",
            "",
            *_table(("Of", "KPI names"), _kpi_names()),
            "",
        ]
    )


def _kpi_names() -> list[tuple[str, str]]:
    from pinpoint_kit.engine.analytics import kpis  # noqa: PLC0415 -- see the top of the file

    names = (
        ("applications", kpis.APPLICATION_KPIS),
        ("campaigns", kpis.CAMPAIGN_KPIS),
        ("journeys", kpis.JOURNEY_KPIS),
    )
    return [(of, ", ".join(f"`{name}`" for name in sorted(known))) for of, known in names]


def _default(value: object) -> str:
    return "" if value is None or value == {} else f"`{value}`"


PAGES: dict[str, Callable[[], str]] = {
    "reference/cli.md": cli_page,
    "reference/compatibility.md": compatibility_page,
    "reference/errors.md": errors_page,
    "reference/identity-providers.md": identity_providers_page,
    "reference/limits.md": limits_page,
    "reference/metrics.md": metrics_page,
}


def _cli() -> click.Command:
    command: click.Command = importlib.import_module("pinpoint_kit.cli").cli
    return command


def _contexts(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[click.Context]:
    import click  # noqa: PLC0415 -- see the top of the file

    # The width is fixed, so that the page does not depend on the terminal of whoever builds it.
    settings = {**command.context_settings, "terminal_width": 76, "color": False}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from _contexts(found, child, context)


def _in_source_order(names: Iterable[str]) -> list[str]:
    from pinpoint_kit import errors  # noqa: PLC0415 -- see the top of the file

    source = inspect.getsource(errors)
    return sorted(names, key=lambda name: source.index(f"\nclass {name}("))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [
        "| " + " | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in line) + " |"
        for line in lines
    ]


def files() -> dict[Path, str]:
    """Return what each generated file must contain."""
    folder = Path(__file__).parent
    return {folder / name: _NOTE + page() for name, page in PAGES.items()}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
