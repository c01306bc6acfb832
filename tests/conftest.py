"""Settings that all tests share."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# pytester forgets the modules that a test has imported, and SQLAlchemy cannot be imported twice.
import pinpoint_kit.client
import pinpoint_kit.engine  # noqa: F401 -- imported to be there

# A shared machine may pause at any moment: how long an example takes says nothing here.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

# No test may find, or ask the network for, anybody's AWS account.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.devnull
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
