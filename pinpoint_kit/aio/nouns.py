# Made from the client by tests/async_of_client.py; change that one.
"""The nouns of the client for asyncio: the same verbs, awaited.

Each verb calls the same verb of the ordinary client: at once where that neither waits nor asks
anything, else on a thread. What they share stands in connection.py.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from pinpoint_kit.aio.connection import Noun
from pinpoint_kit.aio.pool import submitted
from pinpoint_kit.aio.rows import AsyncEventTail, AsyncModelIterator, AsyncRows

if TYPE_CHECKING:
    import asyncio
    import builtins
    import datetime as dt
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Literal

    from typing_extensions import Unpack

    from pinpoint_kit.aio.connection import Connection
    from pinpoint_kit.analytics.results.base import Result
    from pinpoint_kit.analytics.results.cohorts import CohortTable
    from pinpoint_kit.analytics.results.distribution import Distribution
    from pinpoint_kit.analytics.results.funnel import Funnel
    from pinpoint_kit.analytics.results.heat_map import HeatMap
    from pinpoint_kit.analytics.results.money import MoneySeries
    from pinpoint_kit.analytics.results.overview import Overview
    from pinpoint_kit.analytics.results.series import Series
    from pinpoint_kit.analytics.results.timeline import Timeline
    from pinpoint_kit.analytics.steps import Step
    from pinpoint_kit.analytics.store_analytics import SavedFunnel
    from pinpoint_kit.analytics.verbs import Actor, Day, Options, Where
    from pinpoint_kit.audience.erasure import ErasureReport
    from pinpoint_kit.audience.report import BatchReport, LoadProgress, LoadReport
    from pinpoint_kit.audience.row_sources import RowSource
    from pinpoint_kit.client import P, R
    from pinpoint_kit.delivery.report import DeadLetter, DeliveryReport, DeliveryStats
    from pinpoint_kit.engagement.messages import RecipientInput
    from pinpoint_kit.models.application import Application
    from pinpoint_kit.models.attribute import AttributeKind
    from pinpoint_kit.models.base import AttributeListsInput
    from pinpoint_kit.models.campaigns.activity import Activity
    from pinpoint_kit.models.campaigns.campaign import Campaign
    from pinpoint_kit.models.campaigns.results import CampaignResults
    from pinpoint_kit.models.direct_message import DirectMessage, Recipient
    from pinpoint_kit.models.display.tables import ModelList
    from pinpoint_kit.models.endpoint import ChannelType, Endpoint
    from pinpoint_kit.models.event import Event, EventResult, ImportRefusal, Session
    from pinpoint_kit.models.job import Job, JobFormat, JobType
    from pinpoint_kit.models.opt_out import OptedOutAddress
    from pinpoint_kit.models.scalars import AttributeValue, Id, MetricValue, Moment
    from pinpoint_kit.models.segments.explanation import SegmentExplanation
    from pinpoint_kit.models.segments.grouping import Condition, Definition
    from pinpoint_kit.models.segments.segment import Segment
    from pinpoint_kit.models.sent_message import MessageResult, OutboxMessage, Outcome, PhoneNumber
    from pinpoint_kit.models.stored_event import StoredEvent
    from pinpoint_kit.models.stream import StreamDeadLetter, StreamStatus
    from pinpoint_kit.models.templates.parts import TemplateType
    from pinpoint_kit.models.templates.results import TemplatePreview, TemplateSummary
    from pinpoint_kit.models.templates.template import AnyTemplate
    from pinpoint_kit.recording.details import EventDetails
    from pinpoint_kit.recording.sessions import ActiveSession
    from pinpoint_kit.transport.requests import SentRequest

__all__ = [
    "AsyncAnalytics",
    "AsyncApplications",
    "AsyncAttributes",
    "AsyncAuth",
    "AsyncCampaigns",
    "AsyncDelivery",
    "AsyncEndpoints",
    "AsyncEvents",
    "AsyncJobs",
    "AsyncMessages",
    "AsyncNotifications",
    "AsyncNouns",
    "AsyncOptOuts",
    "AsyncOutbox",
    "AsyncPurchases",
    "AsyncSegments",
    "AsyncSessions",
    "AsyncStreams",
    "AsyncTemplates",
    "AsyncUsers",
]


class AsyncAnalytics(Noun):
    """The numbers of one application on its store. Safe to use from several threads."""

    async def active(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        window: int = 1,
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Series:
        """Count who was active in the `window` days that end with each day.

        As `analytics.active` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.active(
                first, last, window=window, activity=activity, **options
            )
        )

    async def new(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the endpoints or users that were registered on each day.

        As `analytics.new` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.analytics.new(first, last, **options))

    async def sessions(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the sessions that began on each day.

        As `analytics.sessions` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.analytics.sessions(first, last, **options))

    async def sessions_per_actor(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Divide the sessions of each day by the endpoints or users that had one.

        As `analytics.sessions_per_actor` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.sessions_per_actor(first, last, **options)
        )

    async def session_length(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Measure how long sessions took, in seconds: average, median and maximum.

        As `analytics.session_length` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.session_length(first, last, **options)
        )

    async def heat_map(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        zone: str = "UTC",
        where: Where | None = None,
        actor: Actor = "endpoint",
    ) -> HeatMap:
        """Count sessions by weekday and hour of each endpoint's own time zone.

        As `analytics.heat_map` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.heat_map(first, last, zone=zone, where=where, actor=actor)
        )

    async def sticky_factor(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        window: int = 30,
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Series:
        """Divide who was active on a day by who was active in the 30 days that end with it.

        As `analytics.sticky_factor` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.sticky_factor(
                first, last, window=window, activity=activity, **options
            )
        )

    async def stickiness(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Distribution:
        """Count endpoints or users by the number of days on which they were active.

        As `analytics.stickiness` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.stickiness(first, last, activity=activity, **options)
        )

    async def sign_ins(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the sign-ins of each day: `_userauth.sign_in`.

        As `analytics.sign_ins` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.analytics.sign_ins(first, last, **options))

    async def sign_ups(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the sign-ups of each day: `_userauth.sign_up`.

        As `analytics.sign_ups` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.analytics.sign_ups(first, last, **options))

    async def auth_failures(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the failed authentications of each day: `_userauth.auth_fail`.

        As `analytics.auth_failures` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.auth_failures(first, last, **options)
        )

    async def revenue(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        amount: Literal["price_times_quantity", "price"] = "price_times_quantity",
        **options: Unpack[Options],
    ) -> MoneySeries:
        """Sum what purchases brought on each day, currency by currency, exactly.

        As `analytics.revenue` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.revenue(first, last, amount=amount, **options)
        )

    async def purchases(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the purchases of each day: `_monetization.purchase`.

        As `analytics.purchases` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.analytics.purchases(first, last, **options))

    async def units_sold(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Sum the quantities of the purchases of each day.

        As `analytics.units_sold` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.units_sold(first, last, **options)
        )

    async def paying(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the endpoints or users with a purchase on each day.

        As `analytics.paying` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.analytics.paying(first, last, **options))

    async def revenue_per_active(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        amount: Literal["price_times_quantity", "price"] = "price_times_quantity",
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> MoneySeries:
        """Divide the revenue of each day by who was active on it.

        As `analytics.revenue_per_active` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.revenue_per_active(
                first, last, amount=amount, activity=activity, **options
            )
        )

    async def revenue_per_paying(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        amount: Literal["price_times_quantity", "price"] = "price_times_quantity",
        **options: Unpack[Options],
    ) -> MoneySeries:
        """Divide the revenue of each day by who paid on it.

        As `analytics.revenue_per_paying` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.revenue_per_paying(first, last, amount=amount, **options)
        )

    async def events(
        self,
        type: str | Sequence[str] | None = None,
        first: Day | None = None,
        last: Day | None = None,
        *,
        metric: str | None = None,
        **options: Unpack[Options],
    ) -> Series:
        """Count events, who had them, and how many a session had; or look at one of their metrics.

        As `analytics.events` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.events(type, first, last, metric=metric, **options)
        )

    async def retention(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        on: int | None = None,
        within: int | None = None,
        on_or_after: int | None = None,
        cohort: Literal["active", "new"] = "active",
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Series:
        """Give the share of each day's endpoints or users that came back.

        As `analytics.retention` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.retention(
                first,
                last,
                on=on,
                within=within,
                on_or_after=on_or_after,
                cohort=cohort,
                activity=activity,
                **options,
            )
        )

    async def seven_day_retention(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Series:
        """Give Pinpoint's seven-day retention: who was active 8 days before, and again since.

        As `analytics.seven_day_retention` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.seven_day_retention(
                first, last, activity=activity, **options
            )
        )

    async def cohorts(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        days: int = 30,
        kind: Literal["on", "within", "on_or_after"] = "on",
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> CohortTable:
        """Show who came back, by the day on which they were new and the days since.

        As `analytics.cohorts` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.cohorts(
                first, last, days=days, kind=kind, activity=activity, **options
            )
        )

    async def funnel(
        self,
        steps: Sequence[Step | str],
        *,
        first: Day | None = None,
        last: Day | None = None,
        window: dt.timedelta | float | None = datetime.timedelta(days=7),
        order: Literal["at_or_after", "after"] = "at_or_after",
        **options: Unpack[Options],
    ) -> Funnel:
        """Count who went through steps in their order, whatever else they did between.

        As `analytics.funnel` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.funnel(
                steps, first=first, last=last, window=window, order=order, **options
            )
        )

    async def demographics(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        of: Literal["all", "active", "new"] = "all",
        **options: Unpack[Options],
    ) -> Distribution:
        """Count endpoints or users by platform, app version, country or any attribute.

        As `analytics.demographics` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.demographics(first, last, of=of, **options)
        )

    async def overview(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        zone: str = "UTC",
        where: Where | None = None,
        actor: Actor = "endpoint",
    ) -> Overview:
        """Show the six charts of the console's first page: activity, retention, revenue.

        As `analytics.overview` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.overview(first, last, zone=zone, where=where, actor=actor)
        )

    async def timeline(
        self,
        *,
        endpoint_id: str | None = None,
        user_id: str | None = None,
        first: Day | None = None,
        last: Day | None = None,
        zone: str = "UTC",
        where: Where | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Timeline:
        """List the events of one endpoint or user, the latest first: personal data.

        As `analytics.timeline` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.timeline(
                endpoint_id=endpoint_id,
                user_id=user_id,
                first=first,
                last=last,
                zone=zone,
                where=where,
                limit=limit,
                after=after,
            )
        )

    async def save_funnel(
        self,
        name: str,
        steps: Sequence[Step | str],
        *,
        window: dt.timedelta | float | None = datetime.timedelta(days=7),
        order: Literal["at_or_after", "after"] = "at_or_after",
        **options: Unpack[Options],
    ) -> SavedFunnel:
        """Keep the steps of a funnel under a name.

        As `analytics.save_funnel` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.save_funnel(
                name, steps, window=window, order=order, **options
            )
        )

    async def saved_funnels(self) -> builtins.list[SavedFunnel]:
        """List the saved funnels, the oldest first.

        As `analytics.saved_funnels` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.analytics.saved_funnels())

    async def saved_funnel(
        self,
        funnel: SavedFunnel,
        *,
        first: dt.date | str | None = None,
        last: dt.date | str | None = None,
    ) -> Funnel:
        """Count a saved funnel, for the days given.

        As `analytics.saved_funnel` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.saved_funnel(funnel, first=first, last=last)
        )

    async def delete_funnel(self, funnel_id: str) -> None:
        """Delete a saved funnel.

        As `analytics.delete_funnel` of the ordinary client does.
        """
        await self._pool.call(lambda: self._sync.analytics.delete_funnel(funnel_id))

    async def create_segment(
        self,
        result: Result,
        name: str,
        *,
        day: dt.date | str | None = None,
        group: str | None = None,
        step: int | None = None,
        age: int | None = None,
        is_back: bool | None = None,
        count: int | None = None,
    ) -> Segment:
        """Make a segment of the people behind a number: a list, which does not change with it.

        As `analytics.create_segment` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.analytics.create_segment(
                result, name, day=day, group=group, step=step, age=age, is_back=is_back, count=count
            )
        )


class AsyncApplications(Noun):
    """The applications of an account and Region, or of an engine."""

    async def list(self) -> builtins.list[Application]:
        """All applications.

        As `applications.list` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.applications.list())

    async def create(self, name: str, *, tags: Mapping[str, str] | None = None) -> Application:
        """Create an application. Names need not be unique.

        As `applications.create` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.applications.create(name, tags=tags))

    async def delete(self, application_id: str) -> Application:
        """Delete an application with all its endpoints and events.

        As `applications.delete` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.applications.delete(application_id))

    async def find_or_create(self, name: str) -> Application:
        """Return the application of this name, the first of several; created when there is none.

        As `applications.find_or_create` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.applications.find_or_create(name))

    async def find(self, name: str) -> Application | None:
        """Return the application of this name, the oldest of several, or None.

        As `applications.find` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.applications.find(name))


class AsyncAttributes(Noun):
    """The names of attributes and metrics in one application. Safe to use from several threads."""

    async def remove(self, kind: AttributeKind | str, *names: str) -> tuple[str, ...]:
        """Have the application keep these names no longer; Pinpoint calls it RemoveAttributes.

        As `attributes.remove` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.attributes.remove(kind, *names))


class AsyncAuth(Noun):
    """The sign-in events of one application. Recorded in the background, like `events.record`."""

    def sign_in(self, endpoint_id: Id, **details: Unpack[EventDetails]) -> str:
        """Record that a user signed in.

        As `auth.sign_in` of the ordinary client does.
        """
        return self._sync.auth.sign_in(endpoint_id, **details)

    def sign_up(self, endpoint_id: Id, **details: Unpack[EventDetails]) -> str:
        """Record that a user signed up; give `endpoint=` to create the endpoint with it.

        As `auth.sign_up` of the ordinary client does.
        """
        return self._sync.auth.sign_up(endpoint_id, **details)

    def auth_fail(self, endpoint_id: Id, **details: Unpack[EventDetails]) -> str:
        """Record that a sign-in failed.

        As `auth.auth_fail` of the ordinary client does.
        """
        return self._sync.auth.auth_fail(endpoint_id, **details)


class AsyncCampaigns(Noun):
    """The campaigns of one application. Safe to use from several threads."""

    async def create(self, campaign: Campaign) -> Campaign:
        """Make a campaign, which runs as its schedule says.

        As `campaigns.create` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.create(campaign))

    async def get(self, campaign: Campaign | str, *, version: int | None = None) -> Campaign:
        """Read a campaign.

        As `campaigns.get` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.get(campaign, version=version))

    async def list(self) -> ModelList[Campaign]:
        """All campaigns, the newest first.

        As `campaigns.list` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.list())

    async def update(self, campaign: Campaign) -> Campaign:
        """Replace a campaign as a whole, which makes its next version.

        As `campaigns.update` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.update(campaign))

    async def pause(self, campaign: Campaign | str) -> Campaign:
        """Have a campaign not begin its next run; a run that is under way goes on.

        As `campaigns.pause` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.pause(campaign))

    async def resume(self, campaign: Campaign | str) -> Campaign:
        """Have a paused campaign go on with its next run; what it has missed is over.

        As `campaigns.resume` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.resume(campaign))

    async def delete(self, campaign: Campaign | str) -> Campaign:
        """Delete a campaign, which stops a run of it that is under way.

        As `campaigns.delete` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.delete(campaign))

    async def versions(self, campaign: Campaign | str) -> ModelList[Campaign]:
        """All versions of a campaign.

        As `campaigns.versions` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.versions(campaign))

    async def activities(self, campaign: Campaign | str) -> ModelList[Activity]:
        """All runs of a campaign: one for each time and treatment, the newest first.

        As `campaigns.activities` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.activities(campaign))

    async def wait_until_complete(
        self, campaign: Campaign | str, *, timeout: float = 600.0
    ) -> Campaign:
        """Wait until a campaign will send nothing any more.

        As `campaigns.wait_until_complete` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.campaigns.wait_until_complete(campaign, timeout=timeout), waits=True
        )

    async def results(self, campaign: Campaign | str) -> CampaignResults:
        """Read what has come of a campaign so far: sent, delivered, opened, clicked, by run.

        As `campaigns.results` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.campaigns.results(campaign))


class AsyncDelivery(Noun):
    """Delivers recorded items in the background and keeps the ledger of them."""

    def stats(self) -> DeliveryStats:
        """Count since the client was made, and how delivery is doing right now.

        As `delivery.stats` of the ordinary client does.
        """
        return self._sync.delivery.stats()

    def dead_letters(self) -> builtins.list[DeadLetter]:
        """Return the latest items that were rejected or dropped, oldest first, at most 1,000.

        As `delivery.dead_letters` of the ordinary client does.
        """
        return self._sync.delivery.dead_letters()

    async def flush(self, timeout: float = 5.0) -> DeliveryReport:
        """Send everything recorded so far and wait until all of it is settled, also on disk.

        As `delivery.flush` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.delivery.flush(timeout), waits=True)


class AsyncEndpoints(Noun):
    """The endpoints of one application. Safe to use from several threads."""

    async def get(self, endpoint_id: str) -> Endpoint:
        """Read one endpoint.

        As `endpoints.get` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.endpoints.get(endpoint_id))

    async def update(self, endpoint: Endpoint) -> str:
        """Create an endpoint, or change what is given of it and leave the rest.

        As `endpoints.update` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.endpoints.update(endpoint))

    def enqueue(self, endpoint: Endpoint) -> None:
        """Queue an update for the background and return at once.

        As `endpoints.enqueue` of the ordinary client does.
        """
        self._sync.endpoints.enqueue(endpoint)

    async def update_many(
        self, endpoints: Iterable[Endpoint], *, on_progress: Callable[[int], object] | None = None
    ) -> BatchReport:
        """Update any number of endpoints in requests of at most 100 items and 7 MB.

        As `endpoints.update_many` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.endpoints.update_many(endpoints, on_progress=on_progress)
        )

    async def load(
        self,
        source: RowSource,
        *,
        format: JobFormat | str | None = None,
        staging: str | None = None,
        role_arn: str | None = None,
        timeout: float = 600.0,
        on_progress: Callable[[LoadProgress], object] | None = None,
    ) -> LoadReport:
        """Create or update endpoints from a file or from rows, all of which are checked first.

        As `endpoints.load` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.endpoints.load(
                source,
                format=format,
                staging=staging,
                role_arn=role_arn,
                timeout=timeout,
                on_progress=on_progress,
            ),
            waits=True,
        )

    def scan(
        self, *, export_to: str | None = None, role_arn: str | None = None
    ) -> AsyncModelIterator[Endpoint]:
        """All endpoints, read page by page as they are asked for.

        As `endpoints.scan` of the ordinary client does.
        """
        return AsyncModelIterator(
            self._pool, lambda: self._sync.endpoints.scan(export_to=export_to, role_arn=role_arn)
        )

    async def find(
        self,
        *,
        address: str | None = None,
        user_id: str | None = None,
        channel_type: ChannelType | str | None = None,
        attributes: Mapping[str, str | Sequence[str]] | None = None,
        user_attributes: Mapping[str, str | Sequence[str]] | None = None,
        limit: int | None = None,
    ) -> builtins.list[Endpoint]:
        """Find endpoints; all conditions must hold, of several values one is enough.

        As `endpoints.find` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.endpoints.find(
                address=address,
                user_id=user_id,
                channel_type=channel_type,
                attributes=attributes,
                user_attributes=user_attributes,
                limit=limit,
            )
        )

    def ids(self, *, export_to: str | None = None, role_arn: str | None = None) -> AsyncRows[str]:
        """Return the ids of all endpoints, as first written; otherwise as `scan`.

        As `endpoints.ids` of the ordinary client does.
        """
        return AsyncRows(
            self._pool, lambda: self._sync.endpoints.ids(export_to=export_to, role_arn=role_arn)
        )

    async def delete(self, endpoint_id: str) -> Endpoint:
        """Delete one endpoint.

        As `endpoints.delete` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.endpoints.delete(endpoint_id))


class AsyncEvents(Noun):
    """The events of one application. Safe to use from several threads."""

    def find(
        self,
        *,
        type: str | Sequence[str] | None = None,
        endpoint_id: str | Sequence[str] | None = None,
        user_id: str | Sequence[str] | None = None,
        session_id: str | Sequence[str] | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        attributes: Mapping[str, str | Sequence[str]] | None = None,
        where: Mapping[str, object] | None = None,
        limit: int | None = None,
        is_newest_first: bool = True,
    ) -> AsyncModelIterator[StoredEvent]:
        """Find stored events; all filters must hold, of several values one is enough.

        As `events.find` of the ordinary client does.
        """
        return AsyncModelIterator(
            self._pool,
            lambda: self._sync.events.find(
                type=type,
                endpoint_id=endpoint_id,
                user_id=user_id,
                session_id=session_id,
                since=since,
                until=until,
                attributes=attributes,
                where=where,
                limit=limit,
                is_newest_first=is_newest_first,
            ),
        )

    def tail(
        self,
        *,
        type: str | Sequence[str] | None = None,
        endpoint_id: str | Sequence[str] | None = None,
        user_id: str | Sequence[str] | None = None,
        where: Mapping[str, object] | None = None,
        after: str | None = None,
    ) -> AsyncEventTail:
        """Go through events as they arrive, from now on and for ever; it waits for the next one.

        As `events.tail` of the ordinary client does.
        """
        return AsyncEventTail(
            self._pool,
            lambda: self._sync.events.tail(
                type=type, endpoint_id=endpoint_id, user_id=user_id, where=where, after=after
            ),
        )

    def record(
        self,
        endpoint_id: Id,
        event: Event | str,
        /,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
        session: Session | None = None,
        timestamp: Moment | None = None,
        endpoint: Endpoint | None = None,
        event_id: Id | None = None,
    ) -> str:
        """Queue an event for delivery and return at once.

        As `events.record` of the ordinary client does.
        """
        return self._sync.events.record(
            endpoint_id,
            event,
            attributes=attributes,
            metrics=metrics,
            session=session,
            timestamp=timestamp,
            endpoint=endpoint,
            event_id=event_id,
        )

    def submit(
        self, endpoint_id: Id, event: Event | str, /, **details: Unpack[EventDetails]
    ) -> asyncio.Future[EventResult]:
        """Queue an event like `record`, and get a future of what becomes of it.

        As `events.submit` of the ordinary client does.
        """
        return submitted(self._sync.events.submit(endpoint_id, event, **details))

    async def put(
        self, endpoint_id: Id, event: Event | str, /, **details: Unpack[EventDetails]
    ) -> EventResult:
        """Send one event in one request, now, and return the service's answer to it.

        As `events.put` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.events.put(endpoint_id, event, **details))

    async def put_many(self, events: Iterable[tuple[Id, Event]]) -> builtins.list[EventResult]:
        """Send any number of events now, packed into as few requests as the limits allow.

        As `events.put_many` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.events.put_many(events))

    async def import_many(
        self, items: Iterable[tuple[Id, Endpoint | None, Sequence[Event]]]
    ) -> builtins.list[ImportRefusal]:
        """Store what happened earlier, endpoints with their events, many in one transaction.

        As `events.import_many` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.events.import_many(items))

    def set_defaults(
        self,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
        event_type: str | None = None,
    ) -> None:
        """Set attributes and metrics that ride on every event, or on every event of a type.

        As `events.set_defaults` of the ordinary client does.
        """
        self._sync.events.set_defaults(
            attributes=attributes, metrics=metrics, event_type=event_type
        )


class AsyncJobs(Noun):
    """The import and export jobs of one application. Safe to use from several threads."""

    async def import_endpoints(
        self,
        url: str | os.PathLike[str],
        *,
        format: JobFormat | str | None = None,
        role_arn: str | None = None,
        register_endpoints: bool = True,
        define_segment: bool | None = None,
        segment_name: str | None = None,
        segment_id: Segment | str | None = None,
    ) -> Job:
        """Start a job that creates or updates endpoints from files.

        As `jobs.import_endpoints` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.jobs.import_endpoints(
                url,
                format=format,
                role_arn=role_arn,
                register_endpoints=register_endpoints,
                define_segment=define_segment,
                segment_name=segment_name,
                segment_id=segment_id,
            )
        )

    async def export_endpoints(
        self,
        url_prefix: str | os.PathLike[str],
        *,
        role_arn: str | None = None,
        segment_id: Segment | str | None = None,
        segment_version: int | None = None,
    ) -> Job:
        """Start a job that writes endpoints to files: gzip, an object a line as `get` shows it.

        As `jobs.export_endpoints` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.jobs.export_endpoints(
                url_prefix,
                role_arn=role_arn,
                segment_id=segment_id,
                segment_version=segment_version,
            )
        )

    async def get(self, job: Job | str) -> Job:
        """Read a job: how far it is.

        As `jobs.get` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.jobs.get(job))

    async def list(
        self, *, type: JobType | str | None = None, segment_id: Segment | str | None = None
    ) -> ModelList[Job]:
        """All jobs, import and export, in the order in which they were created.

        As `jobs.list` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.jobs.list(type=type, segment_id=segment_id))

    async def wait(
        self,
        job: Job | str,
        *,
        timeout: float = 600.0,
        on_progress: Callable[[Job], object] | None = None,
    ) -> Job:
        """Wait until a job has ended, looking less often the longer it takes.

        As `jobs.wait` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.jobs.wait(job, timeout=timeout, on_progress=on_progress), waits=True
        )


class AsyncMessages(Noun):
    """The messages of one application. Safe to use from several threads."""

    async def enable(
        self,
        channel: ChannelType | str,
        *,
        from_address: str | None = None,
        identity: str | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """Turn a channel on. Without that, nothing is sent through it.

        As `messages.enable` of the ordinary client does.
        """
        await self._pool.call(
            lambda: self._sync.messages.enable(
                channel, from_address=from_address, identity=identity, keys=keys
            )
        )

    async def disable(self, channel: ChannelType | str) -> None:
        """Turn a channel off, and remove its settings: `enable` needs address and keys again.

        As `messages.disable` of the ordinary client does.
        """
        await self._pool.call(lambda: self._sync.messages.disable(channel))

    async def channels(self) -> dict[str, bool]:
        """Return the channels that have settings, by name, and whether each is on.

        As `messages.channels` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.messages.channels())

    async def send(
        self,
        message: DirectMessage | str,
        *,
        addresses: Mapping[str, RecipientInput] | None = None,
        endpoints: Iterable[str] | Mapping[str, Recipient] | None = None,
        context: Mapping[str, str] | None = None,
        trace_id: str | None = None,
    ) -> ModelList[MessageResult]:
        """Send a message to addresses, to endpoints, or to both.

        As `messages.send` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.messages.send(
                message,
                addresses=addresses,
                endpoints=endpoints,
                context=context,
                trace_id=trace_id,
            )
        )

    async def send_to_users(
        self,
        message: DirectMessage | str,
        users: Iterable[str] | Mapping[str, Recipient],
        *,
        context: Mapping[str, str] | None = None,
        trace_id: str | None = None,
    ) -> ModelList[MessageResult]:
        """Send a message to all endpoints of users.

        As `messages.send_to_users` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.messages.send_to_users(
                message, users, context=context, trace_id=trace_id
            )
        )

    async def send_otp(
        self,
        address: str,
        *,
        brand: str,
        reference: str,
        origination: str,
        code_length: int = 6,
        minutes: int = 15,
        attempts: int = 3,
        language: str | None = None,
        entity_id: str | None = None,
        template_id: str | None = None,
    ) -> MessageResult:
        """Send a one-time password by SMS. A new one takes the place of an earlier one.

        As `messages.send_otp` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.messages.send_otp(
                address,
                brand=brand,
                reference=reference,
                origination=origination,
                code_length=code_length,
                minutes=minutes,
                attempts=attempts,
                language=language,
                entity_id=entity_id,
                template_id=template_id,
            )
        )

    async def verify_otp(self, address: str, code: str, *, reference: str) -> bool:
        """Return whether this is the code that was sent. A right one is used up.

        As `messages.verify_otp` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.messages.verify_otp(address, code, reference=reference)
        )

    async def validate_phone(self, number: str, *, country: str | None = None) -> PhoneNumber:
        """Return what is known of a telephone number. The engine asks nobody.

        As `messages.validate_phone` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.messages.validate_phone(number, country=country)
        )


class AsyncNotifications(Noun):
    """What became of a campaign's push messages. Recorded in the background, like other events."""

    def opened(
        self,
        endpoint_id: Id,
        *,
        campaign_id: AttributeValue,
        activity_id: AttributeValue = None,
        treatment_id: AttributeValue = None,
        **details: Unpack[EventDetails],
    ) -> str:
        """Record that somebody has opened the app by a message.

        As `notifications.opened` of the ordinary client does.
        """
        return self._sync.notifications.opened(
            endpoint_id,
            campaign_id=campaign_id,
            activity_id=activity_id,
            treatment_id=treatment_id,
            **details,
        )

    def received(
        self,
        endpoint_id: Id,
        *,
        campaign_id: AttributeValue,
        in_foreground: bool,
        activity_id: AttributeValue = None,
        treatment_id: AttributeValue = None,
        **details: Unpack[EventDetails],
    ) -> str:
        """Record that the app has received a message.

        As `notifications.received` of the ordinary client does.
        """
        return self._sync.notifications.received(
            endpoint_id,
            campaign_id=campaign_id,
            in_foreground=in_foreground,
            activity_id=activity_id,
            treatment_id=treatment_id,
            **details,
        )


class AsyncOptOuts(Noun):
    """The opt-outs of one application. Safe to use from several threads."""

    async def list(
        self,
        *,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        reason: Outcome | str | None = None,
        limit: int | None = None,
    ) -> ModelList[OptedOutAddress]:
        """List the addresses that get nothing, the oldest opt-out first.

        As `opt_outs.list` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.opt_outs.list(
                address=address, channel=channel, reason=reason, limit=limit
            )
        )

    async def add(
        self,
        addresses: str | Iterable[str],
        channel: ChannelType | str,
        *,
        reason: Outcome | str = "opted_out",
    ) -> int:
        """Send nothing to addresses any more: they have unsubscribed, or said so elsewhere.

        As `opt_outs.add` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.opt_outs.add(addresses, channel, reason=reason)
        )

    async def remove(self, addresses: str | Iterable[str], channel: ChannelType | str) -> int:
        """Lift opt-outs: the addresses may be sent to again on that channel.

        As `opt_outs.remove` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.opt_outs.remove(addresses, channel))


class AsyncOutbox(Noun):
    """The outbox of one application. Safe to use from several threads."""

    async def messages(
        self,
        *,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        endpoint_id: str | None = None,
        campaign: str | None = None,
        kind: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> ModelList[OutboxMessage]:
        """Messages that were sent, the newest last unless said.

        As `outbox.messages` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.outbox.messages(
                address=address,
                channel=channel,
                endpoint_id=endpoint_id,
                campaign=campaign,
                kind=kind,
                since=since,
                until=until,
                limit=limit,
                newest_first=newest_first,
            )
        )

    async def get(self, message: OutboxMessage | str) -> OutboxMessage:
        """Read one message again, with all reports of it.

        As `outbox.get` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.outbox.get(message))

    async def wait_for(
        self,
        *,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        endpoint_id: str | None = None,
        campaign: str | None = None,
        kind: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        timeout: float = 10.0,
    ) -> OutboxMessage:
        """Wait until there is such a message, and return the newest; one that is there counts.

        As `outbox.wait_for` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.outbox.wait_for(
                address=address,
                channel=channel,
                endpoint_id=endpoint_id,
                campaign=campaign,
                kind=kind,
                since=since,
                until=until,
                timeout=timeout,
            ),
            waits=True,
        )

    async def clear(
        self,
        *,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        endpoint_id: str | None = None,
        campaign: str | None = None,
        kind: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> int:
        """Delete messages, and what was reported of them.

        As `outbox.clear` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.outbox.clear(
                address=address,
                channel=channel,
                endpoint_id=endpoint_id,
                campaign=campaign,
                kind=kind,
                since=since,
                until=until,
            )
        )

    async def report(
        self,
        message: OutboxMessage | str,
        outcome: Outcome | str,
        *,
        permanent: bool = True,
        link: str | None = None,
        reason: str | None = None,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> OutboxMessage:
        """Say what has become of a message, as its provider would.

        As `outbox.report` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.outbox.report(
                message,
                outcome,
                permanent=permanent,
                link=link,
                reason=reason,
                user_agent=user_agent,
                ip_address=ip_address,
            )
        )


class AsyncPurchases(Noun):
    """The purchases of one application. Recorded in the background, like `events.record`."""

    def record(
        self,
        endpoint_id: Id,
        *,
        product_id: AttributeValue,
        price: MetricValue,
        currency: AttributeValue = None,
        quantity: MetricValue = 1,
        store: AttributeValue = None,
        transaction_id: AttributeValue = None,
        **details: Unpack[EventDetails],
    ) -> str:
        """Record a purchase. It never blocks and never raises, like `events.record`.

        As `purchases.record` of the ordinary client does.
        """
        return self._sync.purchases.record(
            endpoint_id,
            product_id=product_id,
            price=price,
            currency=currency,
            quantity=quantity,
            store=store,
            transaction_id=transaction_id,
            **details,
        )


class AsyncSegments(Noun):
    """The segments of one application. Safe to use from several threads."""

    async def create(
        self, name: str, where: Condition | Definition, *, tags: Mapping[str, str] | None = None
    ) -> Segment:
        """Create a dynamic segment: whoever fulfils the condition is in it, now and later.

        As `segments.create` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.segments.create(name, where, tags=tags))

    async def get(self, segment: Segment | str, *, version: int | None = None) -> Segment:
        """Read a segment.

        As `segments.get` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.segments.get(segment, version=version))

    async def list(self) -> ModelList[Segment]:
        """All segments, each in its latest version.

        As `segments.list` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.segments.list())

    async def versions(self, segment: Segment | str) -> ModelList[Segment]:
        """All versions of a segment.

        As `segments.versions` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.segments.versions(segment))

    async def update(
        self,
        segment: Segment | str,
        *,
        name: str | None = None,
        where: Condition | Definition | None = None,
    ) -> Segment:
        """Rename a segment or define it anew, which makes its next version.

        As `segments.update` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.segments.update(segment, name=name, where=where)
        )

    async def delete(self, segment: Segment | str) -> Segment:
        """Delete a segment with all its versions; the endpoints stay.

        As `segments.delete` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.segments.delete(segment))

    def members(
        self,
        segment: Segment | str,
        *,
        version: int | None = None,
        export_to: str | None = None,
        role_arn: str | None = None,
    ) -> AsyncModelIterator[Endpoint]:
        """Return the endpoints that are in a segment, read page by page as they are asked for.

        As `segments.members` of the ordinary client does.
        """
        return AsyncModelIterator(
            self._pool,
            lambda: self._sync.segments.members(
                segment, version=version, export_to=export_to, role_arn=role_arn
            ),
        )

    async def count(
        self,
        segment: Segment | str,
        *,
        version: int | None = None,
        export_to: str | None = None,
        role_arn: str | None = None,
    ) -> int:
        """How many endpoints are in a segment.

        As `segments.count` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.segments.count(
                segment, version=version, export_to=export_to, role_arn=role_arn
            )
        )

    async def explain(
        self, endpoint_id: str, segment: Segment | str, *, version: int | None = None
    ) -> SegmentExplanation:
        """Why an endpoint is in a segment, or is not: each part of the definition by itself.

        As `segments.explain` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.segments.explain(endpoint_id, segment, version=version)
        )


class AsyncSessions(Noun):
    """The sessions of one application: several at once, one an endpoint."""

    def start(
        self,
        endpoint_id: Id,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
        endpoint: Endpoint | None = None,
        timestamp: Moment | None = None,
        session_id: Id | None = None,
    ) -> ActiveSession:
        """Record `_session.start` and return the session; one that is open there is stopped.

        As `sessions.start` of the ordinary client does.
        """
        return self._sync.sessions.start(
            endpoint_id,
            attributes=attributes,
            metrics=metrics,
            endpoint=endpoint,
            timestamp=timestamp,
            session_id=session_id,
        )

    def attach(
        self,
        session: Session,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
    ) -> ActiveSession:
        """Carry on a session that another process began, from its plain value.

        As `sessions.attach` of the ordinary client does.
        """
        return self._sync.sessions.attach(session, attributes=attributes, metrics=metrics)

    def get(self, endpoint_id: Id) -> ActiveSession | None:
        """Return the session that is open at this endpoint in this client, or None.

        As `sessions.get` of the ordinary client does.
        """
        return self._sync.sessions.get(endpoint_id)

    def stop_all(self) -> None:
        """Stop every session that is open in this client.

        As `sessions.stop_all` of the ordinary client does.
        """
        self._sync.sessions.stop_all()


class AsyncStreams(Noun):
    """The event streams of one application. Safe to use from several threads."""

    async def status(self) -> ModelList[StreamStatus]:
        """How each destination fares; a stream that nobody claims is there, too.

        As `streams.status` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.streams.status())

    async def pause(self, destination: str | None = None) -> ModelList[StreamStatus]:
        """Send nothing until `resume`; records wait, within the bounds of the backlog.

        As `streams.pause` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.streams.pause(destination))

    async def resume(self, destination: str | None = None) -> ModelList[StreamStatus]:
        """Send on; at once, where the destination has failed before.

        As `streams.resume` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.streams.resume(destination))

    async def replay(
        self, since: Moment, *, until: Moment | None = None, destination: str | None = None
    ) -> int:
        """Send stored events once more, those that arrived in a span of time.

        As `streams.replay` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.streams.replay(since, until=until, destination=destination)
        )

    async def remove(self, destination: str) -> int:
        """Forget a destination that will not come back, and what waits for it alone.

        As `streams.remove` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.streams.remove(destination))

    def dead_letters(self, destination: str | None = None) -> AsyncModelIterator[StreamDeadLetter]:
        """Return records that a destination has refused for good, the oldest first: personal data.

        As `streams.dead_letters` of the ordinary client does.
        """
        return AsyncModelIterator(self._pool, lambda: self._sync.streams.dead_letters(destination))

    async def retry(
        self,
        letters: Iterable[StreamDeadLetter | str] | None = None,
        *,
        destination: str | None = None,
    ) -> int:
        """Send dead letters again.

        As `streams.retry` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.streams.retry(letters, destination=destination)
        )

    async def discard(
        self,
        letters: Iterable[StreamDeadLetter | str] | None = None,
        *,
        destination: str | None = None,
    ) -> int:
        """Delete dead letters; they are counted as lost.

        As `streams.discard` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.streams.discard(letters, destination=destination)
        )


class AsyncTemplates(Noun):
    """Message templates. Safe to use from several threads."""

    async def create(self, template: AnyTemplate) -> AnyTemplate:
        """Make a template; its first version is active.

        As `templates.create` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.templates.create(template))

    async def get(
        self, name: str, type: TemplateType | str, *, version: str | int | None = None
    ) -> AnyTemplate:
        """Read a template with its texts.

        As `templates.get` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.templates.get(name, type, version=version))

    def list(
        self, type: TemplateType | str | None = None, *, prefix: str | None = None
    ) -> AsyncModelIterator[TemplateSummary]:
        """List templates, each with its active version; pages are read when they are needed.

        As `templates.list` of the ordinary client does.
        """
        return AsyncModelIterator(
            self._pool, lambda: self._sync.templates.list(type, prefix=prefix)
        )

    def versions(self, name: str, type: TemplateType | str) -> AsyncModelIterator[TemplateSummary]:
        """List the versions of a template, the latest first.

        As `templates.versions` of the ordinary client does.
        """
        return AsyncModelIterator(self._pool, lambda: self._sync.templates.versions(name, type))

    async def update(self, template: AnyTemplate, *, new_version: bool = False) -> AnyTemplate:
        """Replace the whole content of a template; its tags stay.

        As `templates.update` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.templates.update(template, new_version=new_version)
        )

    async def activate(
        self, name: str, type: TemplateType | str, version: str | int = "latest"
    ) -> None:
        """Say which version messages are made from that name none.

        As `templates.activate` of the ordinary client does.
        """
        await self._pool.call(lambda: self._sync.templates.activate(name, type, version))

    async def delete(
        self, name: str, type: TemplateType | str, *, version: str | int | None = None
    ) -> None:
        """Delete a template with all of its versions, or one version.

        As `templates.delete` of the ordinary client does.
        """
        await self._pool.call(lambda: self._sync.templates.delete(name, type, version=version))

    async def preview(
        self,
        template: AnyTemplate | str,
        type: TemplateType | str | None = None,
        *,
        version: str | int | None = None,
        endpoint: Endpoint | str | None = None,
        substitutions: AttributeListsInput | None = None,
        defaults: AttributeListsInput | None = None,
    ) -> TemplatePreview:
        """Render a template for one recipient, or for nobody; nothing is sent.

        As `templates.preview` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.templates.preview(
                template,
                type,
                version=version,
                endpoint=endpoint,
                substitutions=substitutions,
                defaults=defaults,
            )
        )

    async def preview_for_user(
        self,
        template: AnyTemplate | str,
        type: TemplateType | str | None = None,
        *,
        user_id: str,
        version: str | int | None = None,
        substitutions: AttributeListsInput | None = None,
        defaults: AttributeListsInput | None = None,
    ) -> ModelList[TemplatePreview]:
        """Render a template for all endpoints of a user that its type is for.

        As `templates.preview_for_user` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.templates.preview_for_user(
                template,
                type,
                user_id=user_id,
                version=version,
                substitutions=substitutions,
                defaults=defaults,
            )
        )


class AsyncUsers(Noun):
    """The users of one application. Safe to use from several threads."""

    async def endpoints(self, user_id: str) -> ModelList[Endpoint]:
        """All endpoints that carry this user id, at most 15.

        As `users.endpoints` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.users.endpoints(user_id))

    async def delete(self, user_id: str) -> ModelList[Endpoint]:
        """Delete all endpoints that carry this user id, and the user's attributes.

        As `users.delete` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.users.delete(user_id))


class AsyncNouns(Noun):
    """The nouns, and the verbs of the client itself."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.analytics = AsyncAnalytics(connection)
        self.applications = AsyncApplications(connection)
        self.attributes = AsyncAttributes(connection)
        self.auth = AsyncAuth(connection)
        self.campaigns = AsyncCampaigns(connection)
        self.delivery = AsyncDelivery(connection)
        self.endpoints = AsyncEndpoints(connection)
        self.events = AsyncEvents(connection)
        self.jobs = AsyncJobs(connection)
        self.messages = AsyncMessages(connection)
        self.notifications = AsyncNotifications(connection)
        self.opt_outs = AsyncOptOuts(connection)
        self.outbox = AsyncOutbox(connection)
        self.purchases = AsyncPurchases(connection)
        self.segments = AsyncSegments(connection)
        self.sessions = AsyncSessions(connection)
        self.streams = AsyncStreams(connection)
        self.templates = AsyncTemplates(connection)
        self.users = AsyncUsers(connection)

    @property
    def application_name(self) -> str:
        """The application's name; its id where it was given by its id.

        As `application_name` of the ordinary client does.
        """
        return self._sync.application_name

    @property
    async def application_id(self) -> str:
        """The application's id; waits for it where the name is being looked up.

        As `application_id` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.application_id)

    async def wait_for_application(self, timeout: float = 5.0) -> None:
        """Wait until the application is found that `connect` was given by name.

        As `wait_for_application` of the ordinary client does.
        """
        await self._pool.call(lambda: self._sync.wait_for_application(timeout), waits=True)

    async def call(self, operation: str, /, **params: object) -> dict[str, Any]:
        """Call any of the 122 operations, with retries and our errors.

        As `call` of the ordinary client does.
        """
        return await self._pool.call(lambda: self._sync.call(operation, **params))

    async def erase(
        self,
        *,
        user_id: str | None = None,
        address: str | None = None,
        endpoint_id: str | None = None,
        dry_run: bool = False,
        timeout: float = 5.0,
    ) -> ErasureReport:
        """Remove a person's data for a data-protection request, and report what there was.

        As `erase` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.erase(
                user_id=user_id,
                address=address,
                endpoint_id=endpoint_id,
                dry_run=dry_run,
                timeout=timeout,
            ),
            waits=True,
        )

    def observe(self, observer: Callable[[SentRequest], object]) -> Callable[[], None]:
        """Have a function called with each request that this client has made.

        As `observe` of the ordinary client does.
        """
        return self._sync.observe(observer)

    async def flush(self, timeout: float = 5.0, *, raise_for_loss: bool = False) -> DeliveryReport:
        """Send everything recorded so far and wait until it is settled, or time is over.

        As `flush` of the ordinary client does.
        """
        return await self._pool.call(
            lambda: self._sync.flush(timeout, raise_for_loss=raise_for_loss), waits=True
        )

    def per_invocation(self, timeout: float = 2.0) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a handler so that every invocation flushes before it returns or raises.

        As `per_invocation` of the ordinary client does.
        """
        return self._sync.per_invocation(timeout)
