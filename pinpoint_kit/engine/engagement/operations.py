"""The operations of channels, templates and recommenders, in one table.

Each resource has a file of its own in this folder; only what they have in common belongs here.
"""

from __future__ import annotations

from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.engagement import (
    channels,
    previews,
    recommenders,
    template_versions,
    templates,
)

__all__ = ["FAMILY"]

_NO_MODEL = "kept and given back; no model is asked"
_KEPT = (
    "settings are kept, credentials are not: messages stay in the outbox unless the operator gives "
    "a transport"
)

FAMILY = Family(
    name="engagement",
    operations={
        "CreateRecommenderConfiguration": Operation(
            recommenders.create_recommender, "partial", _NO_MODEL
        ),
        "DeleteRecommenderConfiguration": Operation(recommenders.delete_recommender),
        "GetChannels": Operation(channels.get_channels),
        "GetRecommenderConfiguration": Operation(recommenders.get_recommender),
        "GetRecommenderConfigurations": Operation(recommenders.get_recommenders),
        "ListTemplateVersions": Operation(template_versions.list_template_versions),
        "ListTemplates": Operation(template_versions.list_templates),
        "UpdateRecommenderConfiguration": Operation(
            recommenders.update_recommender, "partial", _NO_MODEL
        ),
        "UpdateTemplateActiveVersion": Operation(template_versions.update_template_active_version),
        **{
            f"Create{kind}Template": Operation(
                templates.create_template, note="`RecommenderId` is not looked up"
            )
            for kind in templates.KINDS
        },
        **{
            f"Delete{kind}Template": Operation(templates.delete_template)
            for kind in templates.KINDS
        },
        **{f"Get{kind}Template": Operation(templates.get_template) for kind in templates.KINDS},
        **{
            f"Update{kind}Template": Operation(templates.update_template)
            for kind in templates.KINDS
        },
        **{f"Delete{kind}Channel": Operation(channels.delete_channel) for kind in channels.KINDS},
        **{f"Get{kind}Channel": Operation(channels.get_channel) for kind in channels.KINDS},
        **{
            f"Update{kind}Channel": Operation(channels.update_channel, "partial", _KEPT)
            for kind in channels.KINDS
        },
    },
    extensions={"PreviewTemplate": previews.preview_template},
    held_of_person=None,
)
