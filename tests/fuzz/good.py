"""Requests about messages, campaigns and journeys that are right and name nearly every member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engine.conftest import Wire

__all__ = ["Good", "prepare", "requests"]

#: A method, a path and a body.
Good = tuple[str, str, dict[str, Any]]

_FILTER = {
    "FilterType": "ENDPOINT",
    "Dimensions": {
        "EventType": {"DimensionType": "INCLUSIVE", "Values": ["buy"]},
        "Attributes": {"a": {"AttributeType": "INCLUSIVE", "Values": ["b"]}},
        "Metrics": {"m": {"ComparisonOperator": "EQUAL", "Value": 1.0}},
    },
}
_PUSH = {"Action": "URL", "Title": "t", "Body": "b", "Url": "https://a.test", "RawContent": ""}
_CAMPAIGN_PUSH = {**_PUSH, "JsonBody": '{"a": 1}', "SilentPush": False, "TimeToLive": 60}
_DIRECT_PUSH = {**_PUSH, "Data": {"k": "v"}, "Substitutions": {"n": ["v"]}, "SilentPush": False}
_BUTTON = {
    "DefaultConfig": {"ButtonAction": "LINK", "Text": "x", "Link": "https://a.test"},
    "Android": {"ButtonAction": "CLOSE"},
}
_IN_APP = {
    "Layout": "TOP_BANNER",
    "Content": [
        {
            "BackgroundColor": "#000000",
            "HeaderConfig": {"Alignment": "LEFT", "Header": "h", "TextColor": "#000000"},
            "PrimaryBtn": _BUTTON,
        }
    ],
    "CustomConfig": {"a": "b"},
}
_CAMPAIGN_MESSAGES = {
    "DefaultMessage": _CAMPAIGN_PUSH,
    "APNSMessage": _CAMPAIGN_PUSH,
    "EmailMessage": {
        "Title": "t",
        "HtmlBody": "<p>",
        "FromAddress": "a@b.example",
        "Headers": [{"Name": "X-A", "Value": "v"}],
    },
    "SMSMessage": {"Body": "b", "MessageType": "PROMOTIONAL", "SenderId": "S"},
    "CustomMessage": {"Data": "d"},
}
_CUSTOM = {"DeliveryUri": "function", "EndpointTypes": ["CUSTOM"]}
_TEMPLATES = {"EmailTemplate": {"Name": "T"}, "SMSTemplate": {"Name": "T", "Version": "1"}}
_RECIPIENT = {
    "BodyOverride": "b",
    "TitleOverride": "t",
    "Context": {"a": "b"},
    "Substitutions": {"n": ["v"]},
}
_DIRECT_MESSAGES = {
    "APNSMessage": {**_DIRECT_PUSH, "Badge": 1, "CollapseId": "c", "TimeToLive": 60},
    "GCMMessage": {**_DIRECT_PUSH, "CollapseKey": "k", "Priority": "high", "TimeToLive": 60},
    "DefaultMessage": {"Body": "b", "Substitutions": {"n": ["v"]}},
    "EmailMessage": {
        "FromAddress": "a@b.example",
        "ReplyToAddresses": ["a@b.example"],
        "SimpleEmail": {"Subject": {"Data": "s"}, "HtmlPart": {"Data": "s"}},
    },
    "SMSMessage": {"Body": "b {{n}}", "MessageType": "TRANSACTIONAL"},
    "VoiceMessage": {"Body": "b", "LanguageCode": "en-US", "VoiceId": "Joanna"},
}
_OTP = {
    "AllowedAttempts": 3,
    "BrandName": "b",
    "Channel": "SMS",
    "CodeLength": 6,
    "DestinationIdentity": "+12065550100",
    "Language": "en-US",
    "OriginationIdentity": "+12065550101",
    "ReferenceId": "r",
    "ValidityPeriod": 5,
}
_ENDPOINTS = (
    ("GCM", "token"),
    ("APNS", "token"),
    ("EMAIL", "a@b.example"),
    ("SMS", "+12065550100"),
    ("VOICE", "+12065550101"),
    ("CUSTOM", "x"),
)
_CHANNELS = {
    "gcm": {"ApiKey": "k"},
    "apns": {"Certificate": "c", "PrivateKey": "k"},
    "email": {"FromAddress": "a@b.example", "Identity": "i"},
    "sms": {},
    "voice": {},
}


def prepare(wire: Wire) -> str:
    """Make what the requests need, and return the id of a segment."""
    base = f"/v1/apps/{wire.app}"
    for channel, settings in _CHANNELS.items():
        wire.put(f"{base}/channels/{channel}", {"Enabled": True, **settings})
    wire.batch(
        *(
            {
                "Id": f"device-{at}",
                "ChannelType": channel,
                "Address": address,
                "User": {"UserId": "u"},
            }
            for at, (channel, address) in enumerate(_ENDPOINTS)
        )
    )
    for kind, content in (("sms", {"Body": "hi"}), ("email", {"Subject": "s", "TextPart": "x"})):
        assert wire.post(f"/v1/templates/T/{kind}", content).status == 201
    found: str = wire.post(f"{base}/segments", {"Name": "all"}).json["Id"]
    return found


def requests(wire: Wire, segment: str) -> list[Good]:
    """Return the requests; those of campaigns come first."""
    base = f"/v1/apps/{wire.app}"
    return [
        *(("POST", f"{base}/campaigns", each) for each in _campaigns(segment)),
        ("POST", f"{base}/messages", _direct(**_recipients())),
        ("POST", f"{base}/users-messages", _direct(Users={"u": _RECIPIENT})),
        ("POST", f"{base}/otp", _OTP),
        ("POST", f"{base}/journeys", _journey(segment)),
        ("PUT", "/v1/templates/T/sms", {"Body": "s", "DefaultSubstitutions": '{"a": "b"}'}),
        ("PUT", "/v1/templates/T/email", {"Subject": "s", "HtmlPart": "h", "tags": {"a": "b"}}),
    ]


def _campaigns(segment: str) -> list[dict[str, Any]]:
    end = "2026-06-01T00:00:00Z"
    schedule = {
        "StartTime": "2026-01-02T05:00:00+01:00",
        "EndTime": end,
        "Frequency": "MONTHLY",
        "IsLocalTime": False,
        "Timezone": "UTC",
        "QuietTime": {"Start": "22:00", "End": "23:00"},
    }
    of_events = {"StartTime": "IMMEDIATE", "EndTime": end, "EventFilter": _FILTER}
    treatment = {
        "SizePercent": 40,
        "MessageConfiguration": _CAMPAIGN_MESSAGES,
        "CustomDeliveryConfiguration": _CUSTOM,
        "Schedule": {**schedule, "Frequency": "DAILY"},
    }
    return [
        {
            "Name": "n",
            "SegmentId": segment,
            "SegmentVersion": 1,
            "HoldoutPercent": 10,
            "Limits": {"Daily": 10, "Total": 10, "MessagesPerSecond": 100, "MaximumDuration": 600},
            "CustomDeliveryConfiguration": _CUSTOM,
            "Hook": {"LambdaFunctionName": "function", "Mode": "FILTER"},
            "MessageConfiguration": _CAMPAIGN_MESSAGES,
            "TemplateConfiguration": _TEMPLATES,
            "Schedule": schedule,
            "AdditionalTreatments": [treatment],
        },
        {
            "SegmentId": segment,
            "MessageConfiguration": {"DefaultMessage": {"Body": "b"}},
            "Schedule": {**of_events, "Frequency": "EVENT"},
        },
        {
            "SegmentId": segment,
            "Priority": 2,
            "MessageConfiguration": {"InAppMessage": _IN_APP},
            "Schedule": {**of_events, "Frequency": "IN_APP_EVENT"},
        },
    ]


def _recipients() -> dict[str, Any]:
    return {
        "Addresses": {"+12065550199": {**_RECIPIENT, "ChannelType": "SMS"}},
        "Endpoints": {f"device-{at}": _RECIPIENT for at in range(len(_ENDPOINTS))},
    }


def _direct(**recipients: Any) -> dict[str, Any]:
    return {
        **recipients,
        "MessageConfiguration": _DIRECT_MESSAGES,
        "TemplateConfiguration": _TEMPLATES,
        "Context": {"k": "v"},
        "TraceId": "t",
    }


def _journey(segment: str) -> dict[str, Any]:
    wait = {"WaitTime": {"WaitFor": "PT1H"}, "NextActivity": "split"}
    split = {"Branches": [{"NextActivity": "held", "Percentage": 100}]}
    return {
        "Name": "j",
        "State": "ACTIVE",
        "Activities": {
            "wait": {"Description": "d", "Wait": wait},
            "split": {"RandomSplit": split},
            "held": {"Holdout": {"Percentage": 10}},
        },
        "StartActivity": "wait",
        "StartCondition": {"SegmentStartCondition": {"SegmentId": segment}},
        "Limits": {"DailyCap": 1, "EndpointReentryCap": 1, "MessagesPerSecond": 50},
        "QuietTime": {"Start": "22:00", "End": "23:00"},
        "RefreshFrequency": "PT1H",
        "Schedule": {"StartTime": "2026-02-01T00:00:00Z", "EndTime": "2026-03-01T00:00:00Z"},
    }
