"""Celery: one client for all tasks of a child process, closed when the child ends.

    export PINPOINT_KIT_URL=http://127.0.0.1:8080 CELERY_BROKER=redis://localhost
    celery --app celery_tasks worker --concurrency 2 --max-tasks-per-child 100

Connect when the module is imported: each child that Celery forks goes on with a delivery of its
own. Close when a child ends; recycled ones (`--max-tasks-per-child`) end like all others. Without a
broker's URL, messages are files in a folder of this machine.
"""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from celery.signals import worker_process_shutdown

import pinpoint_kit as pk

app = Celery("shop", broker=os.environ.get("CELERY_BROKER", "filesystem://"))
app.conf.task_ignore_result = True
if app.conf.broker_url == "filesystem://":
    folder = Path(os.environ.get("CELERY_FOLDER", "messages"))
    folder.mkdir(exist_ok=True)
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
    }

pinpoint = pk.connect(application="shop")


@worker_process_shutdown.connect
def close(**_: object) -> None:
    """Deliver what the child has recorded, before it ends."""
    pinpoint.close()


@app.task
def sign_in(device: str) -> None:
    """Record a sign-in; a task that is done does not wait for its delivery."""
    pinpoint.auth.sign_in(device)
