"""Targets of messages: URLs of Apprise, and topics of SNS by their ARN."""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reporting_notify.message import Message

THREAD = "reporting-notify"
"""Beginning of the names of threads that send."""

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_.-]+")
_STATUS = re.compile(r"\berror=([1-5][0-9][0-9])\b")
_creating = threading.Lock()

_UNUSABLE = "it is no URL that Apprise knows; see https://appriseit.com/services"


class Page(NamedTuple):
    """Page to attach.

    Attributes:
        name: Name of the file.
        html: Its content.
    """

    name: str
    html: bytes


def topic_region(text: str) -> str | None:
    """Return the region of the ARN of an SNS topic; `None` if it is none."""
    match = _TOPIC.fullmatch(text)
    return match[1] if match else None


def load() -> None:
    """Import what sends, which is not part of any delivery's time."""
    import apprise

    apprise.Apprise.instantiate("json://localhost")  # it imports all services


def send(target: str, message: Message, page: Page | None) -> str:
    """Send a message to one target; return why it was not taken, or an empty text.

    Args:
        target: URL, or ARN of an SNS topic; never shown.
        message: The message.
        page: Page to attach, if the service takes files.
    """
    if (region := topic_region(target)) is not None:
        return _publish(target, region, message)
    import apprise  # hundreds of services; only messages need them
    from apprise.attachment.memory import AttachMemory

    quiet = _quiet_apprise()
    asset = apprise.AppriseAsset(
        app_id="reporting",
        app_desc="reporting-framework",
        async_mode=False,
        http_redirects=False,  # a redirected POST becomes a GET without the message
    )
    service = apprise.Apprise.instantiate(target, asset=asset)
    if service is None:
        return _UNUSABLE
    files = (
        AttachMemory(  # type: ignore[no-untyped-call]
            content=page.html, name=page.name, mimetype="text/html"
        )
        if page is not None
        else None
    )
    # Not through `apprise.Apprise`: a pool of its own would keep the process alive
    # until the last service has answered.
    taken = service.notify(
        body=message.body,
        title=message.title,
        notify_type=apprise.NotifyType(message.kind),
        body_format=apprise.NotifyFormat.TEXT,
        attach=apprise.AppriseAttachment(files, asset=asset) if files else None,
    )
    if taken:
        return ""
    status = quiet.take_status()
    return f"the service answered {status}" if status else "the service was not reached"


def _publish(topic: str, region: str, message: Message) -> str:
    """Publish to a topic of SNS with the credentials of the process."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from reporting_framework.storage import aws_session

    config = Config(
        region_name=region,
        connect_timeout=5,
        read_timeout=10,
        retries={"mode": "standard"},
    )
    subject = message.title.encode("ascii", "replace").decode()
    try:
        with _creating:  # a session is not thread-safe, a client is
            client = aws_session().client("sns", config=config)
        client.publish(TopicArn=topic, Subject=subject, Message=message.body)
    except ClientError as error:
        return f"SNS refused it ({error.response.get('Error', {}).get('Code', '')})"
    except BotoCoreError as error:
        return f"SNS was not reached ({type(error).__name__})"
    return ""


class _Quiet(logging.Filter):
    """Filter that keeps what Apprise logs about our messages, which may show a URL.

    Only the status of an answer is kept, for the thread that sent the message.
    """

    def __init__(self) -> None:
        super().__init__()
        self._statuses = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop the records of threads that send."""
        if not threading.current_thread().name.startswith(THREAD):
            return True
        found = _STATUS.search(record.getMessage())
        if found:
            self._statuses.last = found[1]
        return False

    def take_status(self) -> str:
        """Return the last status that this thread was answered with."""
        return str(self._statuses.__dict__.pop("last", ""))


_QUIET = _Quiet()


def _quiet_apprise() -> _Quiet:
    """Return the filter, after adding it to Apprise's log."""
    logging.getLogger("apprise").addFilter(_QUIET)  # once, however often it is called
    return _QUIET
