"""The checks behind 'Check yourself': each looks at an answer, or at what it did to the learner's live resources.

A check is a function of the answer and the session. It returns what is still missing, in one sentence; None where the
answer is right; and `check` prints that. It never raises: a wrong answer must not stop a notebook from running on.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3


CHECKS: dict[str, Callable[[Any, boto3.Session], str | None]] = {}


def check(number: str, answer: Any, session: boto3.Session) -> None:
    """Print whether `answer` solves the exercise, or what is missing. Quiet while the answer is None."""
    if answer is None:
        return
    try:
        missing = CHECKS[number](answer, session)
    except Exception as error:  # of any kind: the answer is whatever the learner has put there
        missing = f"{type(answer).__name__} is not what is asked for ({type(error).__name__}: {error})."
    print(f"Exercise {number}: not yet. {missing}" if missing else f"Exercise {number}: right.")


def exercise(number: str):
    def register(function):
        CHECKS[number] = function
        return function

    return register
