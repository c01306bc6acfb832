"""Reading bodies by the shapes of the service model."""

from __future__ import annotations

import json
from typing import Any, cast

import botocore.serialize
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.engine.wire import routes
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.engine.wire.shapes import Kind, Shape, read
from tests.model_answers import service

TEXT = Shape("string")
NESTED = Shape(
    "structure",
    members={
        "Name": TEXT,
        "Mode": Shape("string", choices=("ON", "OFF")),
        "Parts": Shape("list", item=Shape("structure", members={"N": TEXT}, required=("N",))),
        "Ways": Shape("map", item=Shape("integer")),
    },
    required=("Name",),
)


def test_what_is_unknown_or_null_is_left_out() -> None:
    """Unknown members and nulls are not read, at any depth; the rest comes back as it was."""
    value = {
        "Name": "", "Mode": None, "Other": [1], "Parts": [{"N": "x", "M": 1}],
        "Ways": {"a": 1, "b": None},
    }  # fmt: skip
    assert read(NESTED, value) == {"Name": "", "Parts": [{"N": "x"}], "Ways": {"a": 1}}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "must be a JSON object @ $"),
        ({}, "Missing Name"),
        ({"Name": None}, "Missing Name"),
        ({"Name": 1}, "must be a string @ $.Name"),
        ({"Name": "x", "Mode": "on"}, "must be one of ON, OFF @ $.Mode"),
        ({"Name": "x", "Parts": {}}, "must be a list @ $.Parts"),
        ({"Name": "x", "Parts": [{"N": "y"}, {}]}, "Missing N @ $.Parts[1]"),
        ({"Name": "x", "Parts": [None]}, "must be a JSON object @ $.Parts[0]"),
        ({"Name": "x", "Ways": []}, "must be a JSON object @ $.Ways"),
        ({"Name": "x", "Ways": {"a": True}}, "must be a whole number of 32 bits @ $.Ways.a"),
        ({"Name": "x", "Ways": {"me@example.com": ""}},
         "must be a whole number of 32 bits @ $.Ways[0]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(value: object, message: str) -> None:
    """A refusal says what is wanted and where, and never what was sent."""
    with pytest.raises(ApiError) as caught:
        read(NESTED, value)
    assert (caught.value.code, caught.value.message) == ("BadRequestException", message)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", ["", "x"], [1, True, [], {}]),
        ("integer", [0, -(2**31), 2**31 - 1], [2**31, 1.0, "1", True]),
        ("long", [0, -(2**63), 2**63 - 1], [2**63, 1.5, "1", False]),
        ("double", [0, 1.5, -3], ["1", True, []]),
        ("boolean", [True, False], [0, 1, "yes", "TRUE", ""]),
        ("blob", ["", "AA==", "aGk="], ["A", "a b", "é", 1, "AA=\n="]),
        ("timestamp", ["2018-05-07T19:03:29.963Z", "2018-05-07"], ["today", 1, "9999-13-01"]),
    ],
)
def test_single_values(kind: Kind, good: list[object], bad: list[object]) -> None:
    """Each kind takes its own JSON type within its range, and nothing is converted."""
    shape = Shape(kind)
    for value in good:
        read_value = read(shape, value)
        assert (type(read_value), read_value) == (type(value), value)
    for value in bad:
        with pytest.raises(ApiError):
            read(shape, value)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_booleans_may_be_written_as_text(text: str, value: bool) -> None:  # noqa: FBT001 -- one value
    """Older clients send `"true"` and `"false"`, and the service takes them."""
    assert read(Shape("boolean"), text) is value


def full(shape: Any, name: str = "") -> Any:
    """Return a value with every member that botocore's own shape has."""
    kind = shape.type_name
    if kind == "structure":
        return {member: full(inner, member) for member, inner in shape.members.items()}
    if kind == "list":
        return [full(shape.member, name), full(shape.member, name)]
    if kind == "map":
        return {"key": full(shape.value, name)}
    if kind == "string":
        return shape.enum[-1] if shape.enum else f"{name} é"
    scalars = {"boolean": True, "integer": 7, "long": 2**40, "double": 1.5, "blob": b"\x00\xff"}
    return scalars.get(kind, "2018-05-07T19:03:29Z")


WITH_A_BODY = [
    name
    for name in service().operation_names
    if "payload" in service().operation_model(name).input_shape.serialization
]


@pytest.mark.parametrize("name", WITH_A_BODY)
def test_whatever_botocore_sends_is_read_whole(name: str) -> None:
    """The body that botocore writes with every member of the model comes back unchanged."""
    model = service().operation_model(name)
    serializer = botocore.serialize.create_serializer("rest-json")
    request: Any = serializer.serialize_to_request(full(model.input_shape), model)
    sent = json.loads(request["body"])
    route = next(route for route in routes.load().all if route.operation == name)
    assert sent
    assert read(route.body, sent) == sent


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
SHAPES = [route.body for route in routes.load().all if route.body.members]


@given(st.sampled_from(SHAPES), st.data())
def test_nonsense_is_read_or_refused(shape: Shape, data: st.DataObject) -> None:
    """Whatever members hold, they are read without a change, or refused by our own exception."""
    some = st.dictionaries(st.sampled_from(sorted(shape.members)), JSON)
    value = data.draw(some)
    try:
        result = cast("dict[str, object]", read(shape, value))
    except ApiError:
        return
    assert result.keys() <= value.keys()
    assert read(shape, result) == result
