"""Shows that code written for Amazon Pinpoint with boto3 runs unchanged, without AWS.

    python examples/identity_provider_boto3.py

The two `put_events` calls below are those of AWS's guide for identity providers ("Identity
Management ISVs"), to the letter: placeholders, naive timestamps and all. Only the client differs:
instead of `boto3.client('pinpoint')` it is the botocore client of an engine in this process.
`identity_provider.py` makes the same calls with pinpoint_kit's own API.
"""
# ruff: noqa: DTZ006, ICN001, Q000 -- the guide's own style

from __future__ import annotations

import datetime
import time
from typing import Any

import pinpoint_kit

pinpoint = pinpoint_kit.connect("sqlite://")
client: Any = pinpoint.client  # as boto3 makes it, with its methods made at run time


def fill_in(params: dict[str, Any], **_: object) -> None:
    """Put the application's id where the guide has its placeholder."""
    if params.get("ApplicationId") == "[PinpointProjectId]":
        params["ApplicationId"] = pinpoint.application_id


client.meta.events.register("provide-client-params.pinpoint.PutEvents", fill_in)

# fmt: off
# A user signs up, which also creates an endpoint.
response = client.put_events(
  ApplicationId='[PinpointProjectId]',
  EventsRequest={
    'BatchItem': {
      '[UniqueEndpointID1ForUser]': {
        'Endpoint': {
          'Address': 'customer@example.com',
          'Attributes': {       # Custom Endpoint Attributes Defined
            'EmailPreference_Newsletter': ['Subscribed'],
            'EmailPreference_DailyDeals': ['Unsubscribed']
          },
          'ChannelType': 'EMAIL',
          'OptOut': 'NONE',
          'User': {
            'UserAttributes': {       # Custom User Attributes Defined
              'FirstName': [ 'John'],
              'LastName': [ 'Doe']
            },
            'UserId': '[UserIdThatConnectsEndpoints]'
          },
        },
        'Events': {
          '[SomeUniqueEventId]': {
            'EventType': '_userauth.sign_up',
            'Timestamp': datetime.datetime.fromtimestamp(time.time()).isoformat()
          }
        }
      }
    }
  }
)
# fmt: on
sign_up = response["EventsResponse"]["Results"]["[UniqueEndpointID1ForUser]"]

# fmt: off
# The user signs in and begins a session; the device's demographic data goes with it.
response = client.put_events(
  ApplicationId='[PinpointProjectId]',
  EventsRequest={
    'BatchItem': {
      '[UniqueEndpointID1ForUser]': {
        'Endpoint': {
          'Demographic': {
            'AppVersion': '1.0',
            'Locale': 'en_US',
            'Make': 'generic web browser',
            'Model': 'Unknown',
            'ModelVersion': 'Unknown',
            'Platform': 'android',
            'PlatformVersion': '10.10',
            'Timezone': 'America/Los_Angeles'
          },
          'Location': {
            'City': 'Los Angeles',
            'Country': 'US',
            'Latitude': 123.0,
            'Longitude': 123.0,
            'PostalCode': '90210',
            'Region': 'California'
          },
        },
        'Events': {
          '[SomeUniqueEventId1]': {
            'EventType': '_userauth.sign_in',
            'Timestamp': datetime.datetime.fromtimestamp(time.time()).isoformat()
          },
          '[SomeUniqueEventId2]': {
            'EventType': '_session.start',
            'Timestamp': datetime.datetime.fromtimestamp(time.time()).isoformat()
          }
        }
      }
    }
  }
)
# fmt: on
sign_in = response["EventsResponse"]["Results"]["[UniqueEndpointID1ForUser]"]

for title, answer in (("sign-up", sign_up), ("sign-in", sign_in)):
    print(f"{title}: endpoint {answer['EndpointItemResponse']['StatusCode']}")
    for event_id, result in answer["EventsItemResponse"].items():
        print(f"  {event_id}: {result['StatusCode']} {result['Message']}")

stored = client.get_user_endpoints(
    ApplicationId=pinpoint.application_id, UserId="[UserIdThatConnectsEndpoints]"
)["EndpointsResponse"]["Item"]
for endpoint in stored:
    print(f"{endpoint['Address']}: {endpoint['Demographic']['Platform']}")
pinpoint.close()
