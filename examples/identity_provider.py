"""Shows an identity provider's two calls: a sign-up, and a sign-in that begins a session.

    python examples/identity_provider.py

The first call creates the endpoint of a new user with the event; the second tells which device
the user signed in with. Everything runs in this process, on an engine in memory: no account, no
server. Hand `connect` another URL, and the same code talks to that instead.
`identity_provider_boto3.py` makes the same calls with plain boto3.
"""

from __future__ import annotations

import pinpoint_kit as pk
from pinpoint_kit import ChannelType, Demographic, Endpoint, Location, OptOut, User

ENDPOINT_ID = "device-1"
USER_ID = "user-1"


def sign_up(pinpoint: pk.Pinpoint) -> None:
    """Somebody signed up: `_userauth.sign_up`, and with it the endpoint and the user."""
    pinpoint.auth.sign_up(
        ENDPOINT_ID,
        endpoint=Endpoint(
            channel_type=ChannelType.EMAIL,
            address="customer@example.com",
            attributes={
                "EmailPreference_Newsletter": ["Subscribed"],
                "EmailPreference_DailyDeals": ["Unsubscribed"],
            },
            opt_out=OptOut.NONE,
            user=User(id=USER_ID, attributes={"FirstName": ["John"], "LastName": ["Doe"]}),
        ),
    )


def sign_in(pinpoint: pk.Pinpoint) -> pk.ActiveSession:
    """Somebody signed in: `_userauth.sign_in` and `_session.start`, with the device used."""
    pinpoint.auth.sign_in(
        ENDPOINT_ID,
        endpoint=Endpoint(
            demographic=Demographic(
                app_version="1.0",
                locale="en_US",
                make="generic web browser",
                platform="android",
                platform_version="10.10",
                timezone="America/Los_Angeles",
            ),
            location=Location(
                city="Los Angeles",
                country="US",
                latitude=34.1,
                longitude=-118.4,
                postal_code="90210",
                region="California",
            ),
        ),
    )
    return pinpoint.sessions.start(ENDPOINT_ID)


def main() -> None:
    """Sign up, sign in, sign out, and look at what is known afterwards."""
    with pk.connect("sqlite://", application="identity provider") as pinpoint:
        sign_up(pinpoint)
        session = sign_in(pinpoint)
        session.stop()
        report = pinpoint.flush().raise_for_loss()
        print(f"{report.accepted} of {report.recorded} events accepted")

        for endpoint in pinpoint.users.endpoints(USER_ID):
            device = endpoint.demographic or Demographic()
            place = endpoint.location or Location()
            print(f"{endpoint.id}: {endpoint.address}, {device.platform}, {place.city}")


if __name__ == "__main__":
    main()
