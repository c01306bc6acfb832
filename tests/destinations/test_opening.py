"""URLs of destinations: what each becomes, and what is wrong with it."""

from __future__ import annotations

import builtins
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pinpoint_kit.destinations as room
from pinpoint_kit import ConfigurationError
from pinpoint_kit.destinations import (
    Destination,
    Files,
    Firehose,
    HttpEndpoint,
    IteratorDestination,
    Kafka,
    Kinesis,
    StreamRecord,
    open_destination,
)
from pinpoint_kit.destinations.batches import Entry
from tests.destinations.fake_aws import FakeAws
from tests.destinations.fake_endpoint import FakeEndpoint
from tests.destinations.records import record, records

if TYPE_CHECKING:
    from pathlib import Path

ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
SECRET = "topsecret"


@pytest.mark.parametrize(
    ("url", "kind", "name"),
    [
        ("kinesis://events", Kinesis, "kinesis://events?region=eu-west-1"),
        (f"kinesis://{ARN}?ordered=false&timeout=2.5", Kinesis, f"kinesis://{ARN}"),
        (
            "kinesis://events?most_bytes=10485760&region=us-east-1&endpoint_url=http://h:1/?a",
            Kinesis,
            "kinesis://events?region=us-east-1&endpoint_url=http://h:1",
        ),
        ("firehose://events?event_id=true", Firehose, "firehose://events?region=eu-west-1"),
        ("kafka://a:9092,b:9093/events", Kafka, "kafka://a:9092,b:9093/events"),
        ("kafka://[::1]:9092/e?compression.type=zstd", Kafka, "kafka://[::1]:9092/e"),
        ("http://127.0.0.1:9/x?a=b", HttpEndpoint, "http://127.0.0.1:9?69b81223"),
        ("HTTPS://host/x?compress=yes", HttpEndpoint, "https://host?b3d1db31"),
        ("https://host/", HttpEndpoint, "https://host"),
    ],
)
def test_a_url_is_a_destination(url: str, kind: type, name: str) -> None:
    """Nothing is asked of it yet; its name is its own, and has no secret."""
    destination = open_destination(url, session=FakeAws.session())
    assert isinstance(destination, kind)
    assert destination.name == name
    destination.close()


@pytest.mark.parametrize(
    "url",
    ["kinesis://a", "firehose://a", "kafka://h:1/a", "https://h/a", "file://{folder}", "iterator"],
)
def test_all_of_them_keep_the_contract(url: str, tmp_path: Path) -> None:
    """Limits that hold at least one record, a name that stays, order, and a repr without more."""
    made: list[Destination] = [
        IteratorDestination()
        if url == "iterator"
        else open_destination(url.format(folder=tmp_path / "events"), session=FakeAws.session())
        for _ in range(2)
    ]
    first, second = made
    assert 0 < first.most_record_bytes <= first.most_bytes
    assert first.most_records >= 500
    assert first.name == second.name
    assert first.name in repr(first)
    assert getattr(first, "keeps_order", False)
    for destination in made:
        destination.close()
        destination.close()


@pytest.mark.parametrize("scheme", ["file", "files"])
def test_a_folder(tmp_path: Path, scheme: str) -> None:
    """Escaped signs in its name are what they stand for."""
    destination: Destination = open_destination(f"{scheme}://{tmp_path}/my%20events?event_id=1")
    assert isinstance(destination, Files)
    assert destination.name == f"file://{tmp_path}/my%20events"
    destination.send("app", [record(1)])
    assert len(list((tmp_path / "my events").rglob("*.gz"))) == 1


def test_parameters_are_the_arguments() -> None:
    """Those of AWS reach the client, and the stream gets what they say."""
    with FakeAws() as fake:
        for scheme in ("kinesis", "firehose"):
            url = f"{scheme}://events?region=eu-west-1&endpoint_url={fake.url}&event_id=true"
            destination = open_destination(f"{url}&ordered=false", session=FakeAws.session())
            assert destination.send("app", records(5, keys=1)) == [None] * 5
            destination.close()
        assert fake.requests == [5, 5]
        assert all(data.endswith(b'"}\n') and b'"event_id":' in data for data in fake.data())


def test_the_machines_credentials_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a session, as boto3 finds them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with FakeAws() as fake:
        destination = open_destination(f"kinesis://events?endpoint_url={fake.url}")
        assert destination.send("app", records(1)) == [None]
        destination.close()


def test_streams_of_several_profiles_have_several_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Profiles are accounts: what one has taken, the other has not."""
    config = tmp_path / "config"
    keys = "region = eu-west-1\naws_access_key_id = a\naws_secret_access_key = b\n"
    config.write_text(f"[profile prod]\n{keys}[profile dev]\n{keys}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    names = [open_destination(f"kinesis://events?profile={name}").name for name in ("prod", "dev")]
    assert names == [f"kinesis://events?region=eu-west-1&profile={p}" for p in ("prod", "dev")]


def test_a_token_in_a_path_is_not_shown() -> None:
    """As some receivers want it; endpoints with other paths have other names all the same."""
    one, two = (open_destination(f"https://h/v1/input/{SECRET}{n}") for n in range(2))
    assert SECRET not in one.name + repr(one)
    assert one.name != two.name


def test_records_show_no_person_in_their_repr() -> None:
    """Logs and tracebacks may hold it."""
    shown = StreamRecord(1, SECRET, "e", SECRET, 0, SECRET.encode())
    assert repr(shown) == "StreamRecord(number=1, event_id='e', arrived=0)"
    assert SECRET not in repr(Entry(0, SECRET, SECRET.encode(), 1))


def test_an_access_key_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What else is in the query is the endpoint's own."""
    path = tmp_path / "key"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    monkeypatch.setenv("MY_KEY", SECRET)
    with FakeEndpoint() as endpoint:
        for parameter in (f"access_key_file={path}", "access_key_env=MY_KEY"):
            destination = open_destination(f"{endpoint.url}?a=%2F&{parameter}&timeout=5")
            assert destination.send("app", records(1)) == [None]
            assert SECRET not in repr(destination) + destination.name
        keys = {headers["x-amz-firehose-access-key"] for _, headers, *_ in endpoint.requests}
        assert (keys, {path for path, *_ in endpoint.requests}) == ({SECRET}, {"/firehose?a=%2F"})


def test_kafkas_secrets_come_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the form that Kafka's own tools read."""
    path = tmp_path / "client.properties"
    path.write_text(
        f"# ours\nsecurity.protocol = SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=u\n\n"
        f"sasl.password={SECRET}=x\n"
    )
    path.chmod(0o600)
    destination: Any = open_destination(f"kafka://h:1/t?config_file={path}")
    assert destination._config["sasl.password"] == f"{SECRET}=x"
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    other: Any = open_destination(f"kafka://h:1/t?config_file={path}&password_env=KAFKA_PASSWORD")
    assert other._config["sasl.password"] == SECRET
    assert SECRET not in repr(destination) + destination.name
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="holds secrets, and others can read it"):
        open_destination(f"kafka://h:1/t?config_file={path}")
    path.chmod(0o600)
    path.write_text("no property")
    with pytest.raises(ConfigurationError, match=r"line 1 of .* is no property"):
        open_destination(f"kafka://h:1/t?config_file={path}")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "not the URL of a destination: write kinesis://STREAM"),
        ("events", "not the URL of a destination"),
        ("s3://bucket/", "not the URL of a destination"),
        ("sqlite:///x.db", "not the URL of a destination"),
        ("https://[::1", "malformed URL of a destination"),
        (f"kafka://user:{SECRET}@h:1/t", "has an @: a URL is no place for secrets"),
        (f"https://{SECRET}@h/", "has an @: a URL is no place for secrets"),
        ("kinesis://events#x", "has a #"),
        ("kinesis://", "no name of a stream"),
        ("kinesis://a/b", "no name of a stream"),
        ("firehose://" + "x" * 65, "no name of a stream"),
        (f"kinesis://events?regoin={SECRET}", "unknown parameter 'regoin' of the kinesis:// URL"),
        ("firehose://events?most_bytes=1", "unknown parameter 'most_bytes'"),
        ("kinesis://events?region=", "?region= of the kinesis:// URL is empty"),
        ("kinesis://events?region=a&region=b", "has ?region= twice"),
        ("kinesis://events?region", "malformed parameters of the kinesis:// URL"),
        (f"kinesis://events?event_id={SECRET}", "is neither: write true or false"),
        (f"kinesis://events?timeout={SECRET}", "is no number: write seconds"),
        ("kinesis://events?timeout=nan", "timeout must be above 0"),
        (f"kinesis://events?most_bytes={SECRET}", "is no number: write digits"),
        ("kinesis://events?most_bytes=99999999", "most_bytes must be from 1 to 10485760"),
        ("kinesis://events?region=eu%20west", "InvalidRegionError: kinesis://events cannot be"),
        ("kinesis://events?endpoint_url=nonsense", "cannot be used: check the Region"),
        ("kafka://h:1", "no name of a topic"),
        ("kafka://h:1/a/b", "no name of a topic"),
        ("kafka:///t", "no servers of Kafka"),
        ("kafka://h:1,/t", "no servers of Kafka"),
        (f"kafka://h:1/t?sasl.password={SECRET}", "no place for sasl.password"),
        (f"kafka://h:1/t?ssl.key.password={SECRET}", "no place for ssl.key.password"),
        (
            f"kafka://h:1/t?sasl.oauthbearer.assertion.private.key.passphrase={SECRET}",
            "no place for sasl.oauthbearer.assertion.private.key.passphrase",
        ),
        ("kinesis://events?timeout=241", "at most 240 seconds"),
        (f"kafka://h:1/t?ssl.key.pem={SECRET}", "no place for ssl.key.pem"),
        (f"kafka://h:1/t?no.such={SECRET}", "refuses its properties: check no.such"),
        (f"kafka://h:1/t?compression.type={SECRET}", "refuses its properties: check compression"),
        ("kafka://h:1/t?acks=0", "leave acks out"),
        ("kafka://h:1/t?password_env=NO_SUCH_VARIABLE", "no such environment variable: set it"),
        ("kafka://h:1/t?config_file=/nowhere", "/nowhere cannot be read"),
        ("file://relative/path", "file:// needs a whole path: write file:///FOLDER"),
        ("file://", "file:// needs a whole path"),
        ("file:///nowhere/at/all", "/nowhere/at/all cannot be made"),
        ("file:///tmp/a%00b", "has a NUL"),
        ("file:///tmp/x?level=9", "unknown parameter 'level'"),
        ("https://h/?access_key_env=A&access_key_file=B", "not both"),
        ("https://h/?access_key_file=/nowhere", "/nowhere cannot be read"),
        ("http://h/?access_key_env=PATH", "in the clear"),
    ],
)
def test_what_is_wrong_is_said_at_once(url: str, said: str) -> None:
    """In one sentence that says what to write, without any value that may be a secret."""
    with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
        open_destination(url, session=FakeAws.session())
    assert SECRET not in str(caught.value)


@given(st.text(max_size=30), st.sampled_from(["kinesis", "firehose", "kafka", "https", "x"]))
def test_no_text_breaks_it(text: str, scheme: str) -> None:
    """Any text is a destination or a ConfigurationError."""
    try:
        open_destination(f"{scheme}://{text}", session=SESSION).close()
    except ConfigurationError as error:
        assert len(str(error)) < 1_000  # noqa: PT017 -- others pass


SESSION = FakeAws.session()


def test_a_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "confluent_kafka":
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"pip install 'pinpoint-kit\[kafka\]'"):
        open_destination("kafka://h:1/t")


def test_the_front_is_lazy_and_complete() -> None:
    """Every name can be had, in order; importing it loads none of the clients."""
    assert sorted(room.__all__) == sorted(set(room.__all__)) == dir(room)
    for name in room.__all__:
        assert getattr(room, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Kafk'"):
        getattr(room, "Kafk" + "")
    code = (
        "import sys, pinpoint_kit.destinations as d\n"
        "d.open_destination('file:///tmp')\n"
        "heavy = ('boto3', 'botocore', 'confluent_kafka', 'sqlalchemy', 'urllib3')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 -- our own code
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
