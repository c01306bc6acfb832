"""The public API: names, docstrings, annotations, and how light the import is."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXED = {
    "AsyncPinpoint",
    "ChannelType",
    "Demographic",
    "Endpoint",
    "Event",
    "EventResult",
    "Location",
    "Pinpoint",
    "PinpointRetiredWarning",
    "User",
    "connect",
    "connect_async",
}
FIXED_METHODS = {
    "endpoints": ("get", "update", "update_many", "delete", "load", "scan", "ids"),
    "jobs": ("import_endpoints", "export_endpoints", "get", "list", "wait"),
    "segments": (
        "create",
        "get",
        "list",
        "update",
        "delete",
        "versions",
        "members",
        "count",
        "explain",
    ),
    "users": ("endpoints", "delete"),
    "attributes": ("remove",),
    "events": ("put", "put_many", "record", "submit"),
    "auth": ("sign_up", "sign_in", "auth_fail"),
    "sessions": ("start", "attach"),
    "purchases": ("record",),
}
HEAVY = (
    "sqlalchemy",
    "boto3",
    "botocore",
    "click",
    "rich",
    "cattrs",
    "tenacity",
    "dateutil",
    "orjson",
    "attrs",
)


def test_all_is_sorted_and_complete() -> None:
    """`__all__` is sorted, and exactly what the lazy table and the eager names give."""
    assert sorted(set(pk.__all__)) == sorted(pk.__all__)
    eager = {"__version__", "errors"}
    assert set(pk.__all__) == set(vars(pk)["_HOME_OF"]) | eager
    assert dir(pk) == sorted(pk.__all__)


def test_the_stub_says_the_same() -> None:
    """What type checkers read is made from the table; `python tests/stub_of_front.py` makes it."""
    path = Path(__file__).with_name("stub_of_front.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    front = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(front)
    assert front.STUB.read_text() == front.stub()


@pytest.mark.parametrize("name", pk.__all__)
def test_every_public_name_exists(name: str) -> None:
    """Every name of `__all__` can be had, and a class says where it lives."""
    value = getattr(pk, name)
    if inspect.isclass(value):
        assert value.__module__ == f"pinpoint_kit.{vars(pk)['_HOME_OF'][name]}"


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy front answers as a module does."""
    with pytest.raises(AttributeError, match="has no attribute 'Endpint'"):
        getattr(pk, "Endp" + "int")


def test_the_fixed_names_exist() -> None:
    """The names that the design fixes are public."""
    assert set(pk.__all__) >= FIXED
    assert pk.errors.NotFound.__name__ == "NotFound"


def test_the_fixed_methods_exist() -> None:
    """The nouns have the verbs that the design fixes."""
    with pk.connect("sqlite://") as pinpoint:
        for noun, verbs in FIXED_METHODS.items():
            for verb in verbs:
                assert callable(getattr(getattr(pinpoint, noun), verb)), (noun, verb)
        for verb in ("call", "flush", "close"):
            assert callable(getattr(pinpoint, verb))
        assert pinpoint.client.meta.service_model.service_name == "pinpoint"


def public_classes() -> list[type]:
    """Return what users meet: named classes, errors and nouns."""
    from pinpoint_kit.audience.applications import Applications  # noqa: PLC0415 -- as above
    from pinpoint_kit.audience.attributes import Attributes  # noqa: PLC0415 -- as above
    from pinpoint_kit.audience.endpoints import Endpoints  # noqa: PLC0415 -- as above
    from pinpoint_kit.audience.jobs import Jobs  # noqa: PLC0415 -- as above
    from pinpoint_kit.audience.segments import Segments  # noqa: PLC0415 -- as above
    from pinpoint_kit.audience.users import Users  # noqa: PLC0415 -- as above
    from pinpoint_kit.recording.auth import Auth  # noqa: PLC0415 -- light collection
    from pinpoint_kit.recording.events import Events  # noqa: PLC0415 -- as above
    from pinpoint_kit.recording.purchases import Purchases  # noqa: PLC0415 -- as above
    from pinpoint_kit.recording.sessions import Sessions  # noqa: PLC0415 -- as above
    from pinpoint_kit.transport import Transport  # noqa: PLC0415 -- as above

    nouns = [
        Applications,
        Attributes,
        Auth,
        Endpoints,
        Events,
        Jobs,
        Purchases,
        Segments,
        Sessions,
        Transport,
        Users,
    ]
    errors = [getattr(pk.errors, name) for name in pk.errors.__all__]
    named = [getattr(pk, name) for name in pk.__all__]
    return sorted(
        {cls for cls in (*nouns, *errors, *named) if inspect.isclass(cls)}, key=lambda c: c.__name__
    )


def public_members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class."""
    for name, value in vars(cls).items():
        if not name.startswith("_") and (
            inspect.isfunction(value) or isinstance(value, (property, cached_property))
        ):
            yield name, value


@pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__name__)
def test_every_public_class_and_method_has_a_docstring(cls: type) -> None:
    """Every public class, method and property says what it is."""
    assert (vars(cls).get("__doc__") or "").strip()
    bare = [
        name for name, value in public_members(cls) if not (getattr(value, "__doc__", "") or "")
    ]
    assert bare == []


def test_every_module_has_a_docstring() -> None:
    """Every module says why it exists."""
    import pkgutil  # noqa: PLC0415 -- only here

    import pinpoint_kit.models  # noqa: PLC0415 -- as above

    names = [m.name for m in pkgutil.walk_packages(pinpoint_kit.models.__path__)]
    assert names
    for name in names:
        module = __import__(f"pinpoint_kit.models.{name}", fromlist=["x"])
        assert (module.__doc__ or "").strip(), name


@pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__name__)
def test_no_any_in_public_signatures(cls: type) -> None:
    """Callers get types everywhere but in the answers of `call` and `call_extension`."""
    allowed = {
        ("AsyncPinpoint", "call"): "dict[str, Any]",
        ("Pinpoint", "call"): "dict[str, Any]",
        ("Transport", "call"): "dict[str, Any]",
        ("Transport", "call_extension"): "dict[str, Any] | None",
    }
    for name, value in public_members(cls):
        function: Any = value
        if isinstance(value, property):
            function = value.fget
        elif isinstance(value, cached_property):
            function = value.func
        annotations = {k: str(v) for k, v in inspect.get_annotations(function).items()}
        if annotations.get("return") == allowed.get((cls.__name__, name), ""):
            del annotations["return"]
        assert not [k for k, v in annotations.items() if "Any" in v.replace("AnyStr", "")], name
        parameters = inspect.signature(function).parameters.values()
        bare = [
            p.name
            for p in parameters
            if p.name not in {"self", "cls"} and p.annotation is inspect.Parameter.empty
        ]
        assert bare == [], name
        if not isinstance(value, property):
            assert "return" in inspect.get_annotations(function), name


def test_connect_has_no_any() -> None:
    """The way in is typed."""
    assert "Any" not in str(inspect.get_annotations(pk.connect))


@pytest.mark.parametrize(
    "name",
    [
        "Application",
        "AttributeDimension",
        "Criterion",
        "Demographic",
        "Endpoint",
        "Event",
        "EventResult",
        "GPSCoordinates",
        "GPSPointDimension",
        "ImportDefinition",
        "Job",
        "JobDefinition",
        "Location",
        "MetricDimension",
        "RecencyDimension",
        "Segment",
        "SegmentBehaviors",
        "SegmentDemographics",
        "SegmentDimensions",
        "SegmentExplanation",
        "SegmentGroup",
        "SegmentGroupList",
        "SegmentLocation",
        "SegmentReference",
        "Session",
        "SetDimension",
        "User",
    ],
)
def test_every_field_of_a_model_is_documented(name: str) -> None:
    """Each field stands in the Args section of its class."""
    cls = getattr(pk, name)
    missing = [f.name for f in attrs.fields(cls) if f"{f.name}: " not in (cls.__doc__ or "")]
    assert missing == []


def run(code: str) -> str:
    """Run code in a fresh interpreter."""
    done = subprocess.run(  # noqa: S603 -- our own code
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_import_is_light() -> None:
    """`import pinpoint_kit` loads nothing that is heavy, and no thread is started."""
    code = (
        "import sys, pinpoint_kit, threading\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], threading.active_count())"
    )
    assert run(code) == "[] 1"


def test_a_client_is_light() -> None:
    """`import pinpoint_kit.client` loads neither a database, nor a server, nor botocore."""
    code = (
        "import sys, pinpoint_kit.client\n"
        "heavy = ('sqlalchemy', 'uvicorn', 'boto3', 'botocore', 'click', 'rich')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert run(code) == "[]"


def test_an_ordinary_client_loads_nothing_for_asyncio() -> None:
    """The client for asyncio is loaded by those who use it."""
    code = (
        "import sys, pinpoint_kit\n"
        "with pinpoint_kit.connect('sqlite://') as pinpoint:\n"
        "    pinpoint.events.record('device-1', 'level_up')\n"
        "print([name for name in sys.modules if name.startswith('pinpoint_kit.aio')])"
    )
    assert run(code) == "[]"


def test_models_load_neither_sql_nor_botocore() -> None:
    """Naming a model loads attrs and the model, and no service."""
    code = (
        "import sys\nfrom pinpoint_kit import Endpoint, Event, Limits, errors\n"
        "Event(type='x', metrics={'n': 1})\n"
        "heavy = ('sqlalchemy', 'boto3', 'botocore', 'dateutil', 'tenacity', 'cattrs')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert run(code) == "[]"


def test_recording_loads_no_metrics() -> None:
    """A program that records events, and reads none, never loads what the numbers need."""
    code = (
        "import sys, pinpoint_kit\n"
        "with pinpoint_kit.connect('sqlite://') as pinpoint:\n"
        "    pinpoint.events.record('device-1', 'level_up')\n"
        "    pinpoint.flush()\n"
        "    before = [name for name in sys.modules if name.startswith('pinpoint_kit.metrics')\n"
        "        or name.startswith('pinpoint_kit.analytics.results')\n"
        "        or name == 'pinpoint_kit.engine.analytics.answers']\n"
        "    print(before, pinpoint.analytics.active().total)\n"
    )
    assert run(code) == "[] 1"
