"""The rules of the house: who may import whom, who may start threads, who knows wire names."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import botocore.session
import pytest

import pinpoint_kit

ROOT = Path(pinpoint_kit.__file__).parent
PACKAGE = "pinpoint_kit"


@attrs.frozen
class Import:
    """One import, wherever it stands in a module."""

    target: str
    line: int
    is_for_types: bool
    is_deferred: bool


class _Collector(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[tuple[str, int, bool, bool]] = []
        self._types = 0
        self._functions = 0

    def visit_If(self, node: ast.If) -> None:
        guard = ast.unparse(node.test)
        is_guard = guard in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        self._types += is_guard
        for child in node.body:
            self.visit(child)
        self._types -= is_guard
        for child in node.orelse:
            self.visit(child)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_function(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, "imports are absolute"
        for alias in node.names:
            self._add(f"{node.module}.{alias.name}", node.lineno)

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func).rpartition(".")[2]
        if name in {"import_module", "__import__"} and node.args:
            target = node.args[0]
            if isinstance(target, ast.Constant) and isinstance(target.value, str):
                self._add(target.value, node.lineno)
        self.generic_visit(node)

    def _add(self, target: str, line: int) -> None:
        self.found.append((target, line, self._types > 0, self._functions > 0))


def module_name(path: Path) -> str:
    """Return the dotted name of a file."""
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def trees() -> dict[str, ast.Module]:
    """Every module, parsed."""
    return {module_name(path): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def module_of(target: str) -> str:
    """`pinpoint_kit.errors.NotFound` -> `pinpoint_kit.errors`; other packages as they are."""
    while target.startswith(PACKAGE + ".") and target not in trees():
        target = target.rpartition(".")[0]
    return target


def imports(tree: ast.Module) -> list[Import]:
    """All imports of a module."""
    collector = _Collector()
    collector.visit(tree)
    return [Import(module_of(found[0]), *found[1:]) for found in collector.found]


@cache
def every_import() -> tuple[tuple[str, Import], ...]:
    """Each import of the package, with the module that it stands in."""
    return tuple((module, found) for module, tree in trees().items() for found in imports(tree))


def within(module: str, *packages: str) -> bool:
    """Whether a module is one of these or inside of one."""
    return any(
        module == f"{PACKAGE}.{name}" or module.startswith(f"{PACKAGE}.{name}.")
        for name in packages
    )


def offences(rule: object) -> list[str]:
    """`module:line imports target` for every import that the rule refuses."""
    assert callable(rule)
    return [
        f"{module}:{found.line} imports {found.target}"
        for module, found in every_import()
        if rule(module, found)
    ]


def test_the_collector_sees_every_kind_of_import() -> None:
    """Imports in functions, under TYPE_CHECKING and by import_module are all seen."""
    tree = ast.parse(
        "import a\nif TYPE_CHECKING:\n    from b import c\n"
        "def f():\n    import d\n    import_module('e')\n"
    )
    assert imports(tree) == [
        Import("a", 1, is_for_types=False, is_deferred=False),
        Import("b.c", 3, is_for_types=True, is_deferred=False),
        Import("d", 5, is_for_types=False, is_deferred=True),
        Import("e", 6, is_for_types=False, is_deferred=True),
    ]


def test_the_engine_knows_nothing_of_the_sdk() -> None:
    """No module of the engine imports a part of the SDK, not even for types."""
    sdk = ("client", "doors", "audience", "recording", "delivery", "transport", "models", "cli")
    assert offences(lambda module, i: within(module, "engine") and within(i.target, *sdk)) == []


def test_the_sdk_knows_nothing_of_the_engine() -> None:
    """Only the doors, the server, the command line and the testing kit import the engine."""
    allowed = ("engine", "doors", "server", "cli", "testing")
    assert (
        offences(lambda module, i: within(i.target, "engine") and not within(module, *allowed))
        == []
    )


def test_botocore_has_three_homes() -> None:
    """Only doors, transport and engine.wire.routes import botocore; others for types.

    The testing kit raises errors of botocore. Destinations, transports of messages, hooks and the
    loader of Customer Profiles make boto3 clients of other services.
    """
    homes = (
        *("doors", "transport", "engine.wire.routes", "testing.faulty"),
        *("destinations", "messaging", "hooks", "migration.customer_profiles.loading"),
    )
    assert (
        offences(
            lambda module, i: (
                i.target.partition(".")[0] in {"botocore", "boto3"}
                and not i.is_for_types
                and not within(module, *homes)
            )
        )
        == []
    )


def test_destinations_make_clients_of_kinesis_and_firehose_only() -> None:
    """Boto3 is for these two services there, and the pinpoint client stays with the doors."""
    services = {
        node.value.value
        for module, tree in trees().items()
        if within(module, "destinations")
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.target) == "service"
        and isinstance(node.value, ast.Constant)
    }
    assert services == {"kinesis", "firehose"}


def test_kafka_has_one_home() -> None:
    """Only its destination imports confluent_kafka, and only when it is used."""
    assert (
        offences(
            lambda module, i: (
                i.target.partition(".")[0] == "confluent_kafka"
                and not (within(module, "destinations.kafka") and (i.is_deferred or i.is_for_types))
            )
        )
        == []
    )


def test_types_of_botocore_stay_above_the_transport() -> None:
    """For types, botocore is named only where a client or a session is handed over."""
    homes = (
        "doors",
        "transport",
        "engine.wire.routes",
        "testing",
        "client",
        "aio.client",
        "destinations",
        "messaging",
        "hooks",
        "migration.customer_profiles.loading",
    )
    assert (
        offences(
            lambda module, i: (
                i.target.partition(".")[0] in {"botocore", "boto3"} and not within(module, *homes)
            )
        )
        == []
    )


def test_threads_are_made_in_the_delivery_the_doors_and_the_async_pool_only() -> None:
    """Nobody else calls Thread, Timer, an executor or a process.

    The server has a thread for each destination of event streams, and a process for its console.
    """
    homes = (
        *("aio.client", "aio.pool", "delivery", "doors", "testing", "server.background"),
        "server.subprocess.app",
    )
    makers = {
        "Thread",
        "Timer",
        "ThreadPoolExecutor",
        "ProcessPoolExecutor",
        "Process",
        "start_new_thread",
        "fork",
    }
    found = [
        f"{module}:{node.lineno} calls {ast.unparse(node.func)}"
        for module, tree in trees().items()
        if not within(module, *homes)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in makers
    ]
    assert found == []


def test_sql_lives_in_the_engine() -> None:
    """SQLAlchemy is for those who ask for numbers or store; sqlite3 also for files of work."""
    homes = (
        *("engine", "delivery", "cli.commands.doctor", "system.sqlite_files"),
        *("identity.pulling.cursors", "migration.customer_profiles.staging"),
    )
    assert (
        offences(
            lambda module, i: (
                (
                    i.target.startswith("sqlalchemy")
                    and not within(module, "engine", "metrics", "lake")
                )
                or (i.target.startswith("sqlite3") and not within(module, *homes))
            )
        )
        == []
    )


#: What is heavy, and whose room alone may load it.
HEAVY = {"duckdb": ("lake",), "pyspark": ()}


def test_heavy_libraries_are_loaded_by_their_rooms() -> None:
    """DuckDB is the lake's, and imported when it is used; a Spark session is handed in."""
    assert (
        offences(
            lambda module, i: (
                (name := i.target.partition(".")[0]) in HEAVY
                and (not within(module, *HEAVY[name]) or not (i.is_deferred or i.is_for_types))
            )
        )
        == []
    )


def test_the_server_does_not_touch_the_store() -> None:
    """The ASGI adapter knows the engine's front only."""
    assert offences(lambda m, i: within(m, "server") and within(i.target, "engine.storage")) == []


#: What the server's rooms may import of the server besides themselves: values that all share.
SERVER_ROOMS = ("access", "http")
SERVER_VALUES = ("access_log", "head", "options", "refusals")


@pytest.mark.parametrize("room", SERVER_ROOMS)
def test_the_servers_rooms_stand_side_by_side(room: str) -> None:
    """Access and http know neither each other nor the app above them, not even for types."""
    allowed = [f"server.{name}" for name in (room, *SERVER_VALUES)]
    assert (
        offences(
            lambda m, i: (
                within(m, f"server.{room}")
                and within(i.target, "server")
                and not within(i.target, *allowed)
            )
        )
        == []
    )


@pytest.mark.parametrize("value", SERVER_VALUES)
def test_the_servers_values_know_no_room(value: str) -> None:
    """What the rooms share stands below them."""
    allowed = [f"server.{name}" for name in SERVER_VALUES]
    assert (
        offences(
            lambda m, i: (
                within(m, f"server.{value}")
                and within(i.target, "server")
                and not within(i.target, *allowed)
            )
        )
        == []
    )


#: What the command line may use of the package, beside the fronts below: what is documented, the
#: files' forms, the preview of an import, the readers of spools and of secrets, and the writer of
#: files.
CLI = (
    "analytics.charts",
    "analytics.conditions",
    "analytics.results",
    "analytics.verbs",
    "cli",
    "errors",
    "version",
    "models",
    "records",
    "server",
    "identity.importing",
    "migration",
    "delivery.spool.reader",
    "system.atomic_files",
    "system.private_files",
)
FRONTS = (
    PACKAGE,
    *(
        f"{PACKAGE}.{room}"
        for room in ("client", "engine", "doors", "identity", "iam", "lake", "messaging")
    ),
)


def test_the_command_line_stands_on_the_public_api() -> None:
    """Commands do what anyone could do who imports the package."""
    assert (
        offences(
            lambda module, i: (
                within(module, "cli")
                and i.target.startswith(PACKAGE)
                and i.target not in FRONTS
                and not within(i.target, *CLI)
            )
        )
        == []
    )


def test_commands_never_import_each_other() -> None:
    """What two commands share is beside them; only the top of the command line knows commands."""
    commands = f"{PACKAGE}.cli.commands."
    assert (
        offences(
            lambda module, i: (
                i.target.startswith(commands) and i.target != module and not i.is_for_types
            )
        )
        == []
    )


#: What a layer may import besides itself. Everything may import what is named for "*".
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "limits": {"errors"},
    "system": set(),
    "validators": {"errors"},
    "metrics": {"errors", "limits"},
    "models": {"errors", "limits"},
    "batching": {"limits"},
    "transport": {"errors", "version"},
    "objects": {"errors", "transport"},
    "delivery": {"validators", "errors", "limits", "batching", "models", "system", "transport"},
    "audience": {
        "errors",
        "limits",
        "models",
        "batching",
        "transport",
        "delivery",
        "objects",
        "records",
    },
    "recording": {
        "errors",
        "limits",
        "models",
        "batching",
        "transport",
        "delivery",
        "system",
        "analytics",
    },
    "analytics": {"errors", "metrics", "models", "transport", "system"},
    "applications": {"system"},
    "records": set(),
    # Texts and values only: the engine and the SDK both stand on it.
    "templating": {"errors"},
    "streams": {"errors", "models", "transport"},
    "engagement": {"audience", "errors", "limits", "models", "templating", "transport"},
    "progress": {"models", "audience"},
    "lake": {"errors", "metrics", "analytics", "system"},
    "watching": {"aio", "client", "delivery", "errors", "transport", "version"},
    "identity": {"errors", "limits", "models", "version", "client", "system"},
    # Its nouns, which are made from the client's, name for types what those name.
    "aio": {
        "errors",
        "limits",
        "models",
        "system",
        "analytics",
        "audience",
        "client",
        "delivery",
        "doors",
        "engagement",
        "recording",
        "records",
        "transport",
    },
    "iam": {"errors"},
    "migration": {
        "client",
        "doors",
        "errors",
        "objects",
        "records",
        "system",
        "transport",
        "version",
    },
    "destinations": {"errors", "records", "system", "transport", "version"},
    "engine": {"errors", "limits", "metrics", "records", "system", "templating", "version"},
    "messaging": {
        "destinations.clients",
        "destinations.parameters",
        "errors",
        "records",
        "system",
        "transport",
        "version",
    },
    "hooks": {
        "destinations.clients",
        "destinations.parameters",
        "errors",
        "messaging.function",
        "records",
        "transport",
    },
    "doors": {
        "destinations",
        "hooks",
        "messaging",
        "records",
        "errors",
        "limits",
        "engine",
        "objects",
        "system",
        "transport",
        "version",
    },
    "server": {"validators", "errors", "engine", "records", "system", "version"},
}
#: Rooms that stand higher than what they are in, with rows of their own.
HIGHER_ROOMS: dict[str, set[str]] = {
    # Given the client's verbs, it knows nothing of the engine.
    "server.console": {"analytics", "client", "errors", "models", "server", "system"},
}


#: What each room of the engine may import of the engine. Families stand on `context`, which stands
#: on what knows no operation; what crosses families goes through the registries of `context`.
_COMMON = {"context", "storage", "wire"}
ENGINE_ROOMS: dict[str, set[str]] = {
    "wire": set(),
    "files": set(),
    "storage": {"wire"},
    "work": {"storage", "wire"},
    "copying": {"storage", "wire"},
    "context": {"files", "storage", "wire", "work"},
    "applications": _COMMON,
    "endpoints": {*_COMMON, "applications"},
    "events": {*_COMMON, "applications", "endpoints"},
    "lakes": {*_COMMON, "applications"},
    "segments": {*_COMMON, "applications", "endpoints"},
    "streams": {*_COMMON, "applications", "endpoints", "work"},
    "analytics": {*_COMMON, "applications", "endpoints", "events", "messages", "segments"},
    "engagement": {*_COMMON, "applications", "endpoints", "events", "segments", "work"},
    "messages": {*_COMMON, "applications", "endpoints", "engagement", "streams"},
    "campaigns": {
        *_COMMON,
        "applications",
        "endpoints",
        "engagement",
        "messages",
        "segments",
        "streams",
        "work",
    },
    "journeys": {*_COMMON, "applications", "engagement", "segments"},
    "jobs": {*_COMMON, "applications", "endpoints", "files", "segments", "work"},
    "removal": {*(*_COMMON, "applications", "endpoints", "events", "messages", "segments", "work")},
    "handlers": {
        "analytics",
        "applications",
        "campaigns",
        "context",
        "endpoints",
        "engagement",
        "events",
        "jobs",
        "journeys",
        "lakes",
        "messages",
        "removal",
        "segments",
        "streams",
        "wire",
        "work",
    },
    "engine": {"context", "events", "files", "handlers", "storage", "wire", "work"},
}


@pytest.mark.parametrize("room", ENGINE_ROOMS)
def test_the_engines_rooms_import_downwards(room: str) -> None:
    """A room imports only the rooms below it, for types too."""
    allowed = [f"engine.{name}" for name in (room, *ENGINE_ROOMS[room])]
    assert (
        offences(
            lambda m, i: (
                within(m, f"engine.{room}")
                and i.target.startswith(f"{PACKAGE}.engine")
                and not within(i.target, *allowed)
            )
        )
        == []
    )


def test_every_room_of_the_engine_is_known() -> None:
    """A new folder or module of the engine must be given its place in this file."""
    rooms = {name.split(".")[2] for name in trees() if name.startswith(f"{PACKAGE}.engine.")}
    assert rooms - ENGINE_ROOMS.keys() == set()


def test_the_rooms_of_the_engine_form_no_ring() -> None:
    """The table itself has an order: what it allows can never run in a circle."""
    left = {room: set(below) for room, below in ENGINE_ROOMS.items()}
    while left:
        lowest = {room for room, below in left.items() if not below & left.keys()}
        assert lowest, f"a ring among {sorted(left)}"
        left = {room: below for room, below in left.items() if room not in lowest}


@pytest.mark.parametrize("layer", [*LAYERS, *HIGHER_ROOMS])
def test_imports_point_downwards(layer: str) -> None:
    """A layer imports only the layers below it, for types too."""
    allowed = {**LAYERS, **HIGHER_ROOMS}[layer] | {layer}
    others = [room for room in HIGHER_ROOMS if room != layer]

    def refused(module: str, found: Import) -> bool:
        return (
            within(module, layer)
            and not within(module, *others)
            and found.target.startswith(PACKAGE)
            and not within(found.target, *allowed)
        )

    assert offences(refused) == []


def test_every_layer_is_known() -> None:
    """A new top-level module must be given its place in this file."""
    top = {name.split(".")[1] for name in trees() if "." in name}
    assert top - LAYERS.keys() <= {"client", "cli", "server", "testing"}


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Return a circle of imports, if there is one."""
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> list[str]:
        if module in trail:
            return [" -> ".join((*trail[trail.index(module) :], module))]
        if module in done:
            return []
        found = [
            circle
            for target in sorted(graph.get(module, ()))
            for circle in visit(target, (*trail, module))
        ]
        done.add(module)
        return found

    return [circle for module in graph for circle in visit(module, ())]


def test_there_are_no_import_circles() -> None:
    """Imports form no circle, those in functions and for types included."""
    graph = {
        module: {
            found.target
            for importer, found in every_import()
            if importer == module
            and found.target in trees()
            and found.target not in {module, PACKAGE}
        }
        for module in trees()
        if module != PACKAGE  # the lazy front names everything
    }
    assert circles(graph) == []


def test_a_circle_is_found() -> None:
    """The search sees a circle that hangs on a longer way."""
    assert circles({"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": set()}) == ["b -> c -> b"]


def docstrings(tree: ast.Module) -> list[tuple[ast.AST, str]]:
    """Whatever in a module has a docstring, with it."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node, text)
        for node in ast.walk(tree)
        if isinstance(node, kinds) and (text := ast.get_docstring(node, clean=False))
    ]


#: Where a node of the syntax tree has a name.
NAMING = ("id", "attr", "arg", "module", "name")


def test_databases_are_named_in_the_dialects_only() -> None:
    """Inside of the engine, code that names a database stands in storage/dialects."""
    name = re.compile(r"sqlite|postgres|psycopg|\bpragma\b", re.IGNORECASE)
    found = []
    for module, tree in trees().items():
        if not within(module, "engine") or within(module, "engine.storage.dialects"):
            continue
        described = {text for _, text in docstrings(tree)}
        for node in ast.walk(tree):
            words = [
                getattr(node, field, None) for field in ("id", "attr", "arg", "module", "name")
            ]
            if isinstance(node, ast.Constant) and node.value not in described:
                words.append(node.value)
            found += [
                f"{module}:{getattr(node, 'lineno', 0)} names {word!r}"
                for word in words
                if isinstance(word, str) and name.search(word)
            ]
    assert found == []


def test_files_that_docstrings_name_exist() -> None:
    """`x.py` in a docstring is a file of this package; after a rename it must follow."""
    paths = [f"/{path.relative_to(ROOT)}" for path in ROOT.rglob("*.py")]
    missing = [
        f"{module} names {named}"
        for module, tree in trees().items()
        for _, text in docstrings(tree)
        for named in re.findall(r"(?<![\w./<])(?:\w+/)*\w+\.py\b", text)
        if not any(path.endswith(f"/{named}") for path in paths)
    ]
    assert missing == []


#: A folder has 15 modules at most, or a reason.
LARGE_FOLDERS = {
    "cli": "one module a thing that several commands share",
    "metrics": "one module a family of metrics, and the few values that all of them share",
    "audience": "one module a verb's noun, and what several of them share",
    "cli/commands": "one module a command or group of commands",
}


def test_no_folder_is_a_drawer() -> None:
    """What is more than 15 modules wants rooms."""
    counts = Counter(path.parent for path in ROOT.rglob("*.py") if path.name != "__init__.py")
    large = {str(folder.relative_to(ROOT)) for folder, count in counts.items() if count > 15}
    assert large - LARGE_FOLDERS.keys() == set()


def test_nothing_imports_the_front() -> None:
    """Inside of the package, names come from their home and not from the lazy front."""
    public = (f"{PACKAGE}.cli", f"{PACKAGE}.testing")  # these stand on the public API
    assert (
        offences(
            lambda module, i: (
                i.target == PACKAGE and module != PACKAGE and not module.startswith(public)
            )
        )
        == []
    )


#: Members that callers of the transport name themselves: parameters and wrappers of an answer.
CALL_MEMBERS = {
    "ApplicationId",
    "EndpointId",
    "UserId",
    "PageSize",
    "Token",
    "NextToken",
    "Item",
    "Name",
}


@cache
def model_members() -> frozenset[str]:
    """Return the members that the models stand for."""
    service: Any = botocore.session.Session().get_service_model("pinpoint")
    return frozenset(
        member
        for name in (
            "EndpointResponse",
            "EndpointDemographic",
            "EndpointLocation",
            "EndpointUser",
            "EndpointBatchItem",
            "Event",
            "Session",
            "ImportJobResponse",
            "ExportJobResponse",
            "ApplicationResponse",
            "SegmentResponse",
            "SegmentDimensions",
            "SegmentDemographics",
            "SegmentLocation",
            "SegmentGroup",
            "SegmentGroupList",
            "SegmentImportResource",
            "AttributeDimension",
            "MetricDimension",
            "RecencyDimension",
            "GPSPointDimension",
        )
        for member in service.shape_for(name).members
        if member[:1].isupper()
    )


def test_wire_names_of_models_stand_in_wire_only() -> None:
    """Outside of models/wire/codec.py the SDK's lower layers spell no member of a model."""
    layers = ("models", "audience", "recording", "delivery", "doors")
    known = model_members() - CALL_MEMBERS
    found = [
        f"{module}:{node.lineno} spells {node.value!r}"
        for module, tree in trees().items()
        if within(module, *layers) and not within(module, "models.wire")
        for statement in tree.body
        if not ast.unparse(statement).startswith("__all__")  # names of classes
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and node.value in known
    ]
    assert found == []


def test_the_testing_kit_is_light() -> None:
    """`pinpoint_kit.testing` is a pytest plugin in every test run: it defers what is heavy."""
    path = f"{PACKAGE}.testing"
    if path not in trees():
        pytest.skip("there is no testing kit yet")
    heavy = {"boto3", "botocore", "sqlalchemy", "moto", "click", "rich", "orjson", "cattrs"}
    immediate = [i for i in imports(trees()[path]) if not i.is_for_types and not i.is_deferred]
    assert [
        i.target
        for i in immediate
        if i.target.partition(".")[0] in heavy
        or within(i.target, "engine", "doors", "client", "transport")
    ] == []
