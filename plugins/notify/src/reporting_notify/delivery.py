"""Delivery of a message to all targets at once, within a time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from reporting_framework import ReportingError
from reporting_notify.targets import THREAD, Page, load, send, topic_region

if TYPE_CHECKING:
    from reporting_framework import SecretText
    from reporting_notify.message import Message


def deliver(
    urls: Sequence[SecretText], message: Message, page: Page | None, seconds: float
) -> list[str]:
    """Send a message to all targets, each in a thread of its own.

    A target that does not answer in time is left to itself: its thread keeps neither
    the run nor the process.

    Args:
        urls: The targets.
        message: The message.
        page: Page to attach.
        seconds: Time limit of all deliveries together.

    Returns:
        Why targets have not taken the message, as texts that name a target by its
        position, and show nothing of it.
    """
    if not all(topic_region(url.get_secret_value()) for url in urls):
        load()
    deadline = time.monotonic() + seconds
    problems = [f"no answer within {seconds:g} s"] * len(urls)

    def work(number: int) -> None:
        problems[number] = _problem(urls[number], message, page)

    threads = [
        threading.Thread(
            target=partial(work, number), name=f"{THREAD}-{number}", daemon=True
        )
        for number in range(len(urls))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    answers = list(problems)  # a late thread changes nothing any more
    return [f"urls[{at}]: {problem}" for at, problem in enumerate(answers) if problem]


def _problem(url: SecretText, message: Message, page: Page | None) -> str:
    """Send a message; return why it was not taken, or an empty text."""
    try:
        return send(url.resolve(), message, page)
    except ReportingError as error:  # a reference that leads to no secret
        return str(error)
    except (Exception, SystemExit) as error:
        return type(error).__name__  # the message may hold the URL
