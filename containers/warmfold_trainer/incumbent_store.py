"""Finished trials' fold scores, shared between the trials of one tuning job through S3.

One of the trainer's two modules that call AWS; it is imported, and boto3 with it, only by a trial
that races. S3 never decides whether a trial succeeds: a read that is late or missing leaves a
trial to run on, as if it had started earlier, and after the first fault the store is not asked
again. Each trial writes one small object of its own and lists the others': nothing is overwritten.
"""

import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from warmfold_contract.errors import UserError
from warmfold_trainer.racing import FinishedTrial

LOGGER = logging.getLogger(__name__)

FORMAT = 1

# SageMaker has been seen to name a tuning job's trials `<tuning job>-<number>-<8 hex digits>`; the
# pattern is not documented. A name of any other form is a tuning job of its own: nothing to race.
_TRIAL_NAME = re.compile(r"(.+)-[0-9]{3,}-[0-9a-f]{8}")
_URI = re.compile(r"s3://([^/]+)/(.+)")

# A trial waits for S3 no longer than this: without a route to it, it runs without racing.
_CLIENT = Config(
    connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}
)


def tuning_job_of(training_job: str) -> str:
    """The tuning job that a trial belongs to, by its name."""
    match = _TRIAL_NAME.fullmatch(training_job)
    return match.group(1) if match else training_job


@dataclass(kw_only=True)
class IncumbentStore:
    """``uri`` is an S3 prefix of one execution's candidate.

    Only trials that were scored alike count: ``comparable`` holds what must be equal (metric,
    fold hash, data fingerprint). Raises ``UserError`` for a ``uri`` that is no S3 prefix.
    """

    uri: str
    training_job: str
    comparable: dict[str, str]
    make_client: Callable[[], Any] = lambda: boto3.client("s3", config=_CLIENT)
    _read: dict[str, FinishedTrial | None] = field(default_factory=dict, init=False)
    _works: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        match = _URI.fullmatch(self.uri.rstrip("/"))
        if match is None:
            raise UserError(f"the incumbents' place is {self.uri!r}: use s3://bucket/prefix")
        self._bucket = match.group(1)
        self._prefix = f"{match.group(2)}/{tuning_job_of(self.training_job)}/"
        self._client: Any = None

    def finished(self) -> Sequence[FinishedTrial]:
        """The trials that are known to have finished, in the order of their names."""
        self._safely(self._read_new)
        return [trial for _, trial in sorted(self._read.items()) if trial is not None]

    def add(self, trial: FinishedTrial) -> None:
        """Tell the other trials of this one."""
        body = json.dumps(
            {
                "format": FORMAT,
                "comparable": self.comparable,
                "provisional_scores": trial.provisional_scores,
                "score": trial.score,
            },
            sort_keys=True,
        )
        key = f"{self._prefix}{self.training_job}.json"
        self._safely(
            lambda: self._s3().put_object(Bucket=self._bucket, Key=key, Body=body.encode("utf-8"))
        )

    def _read_new(self) -> None:
        for key in self._keys():
            if key not in self._read:
                answer = self._s3().get_object(Bucket=self._bucket, Key=key)
                self._read[key] = _parsed(answer["Body"].read(), self.comparable)

    def _keys(self) -> Iterator[str]:
        pages = self._s3().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
            yield from (entry["Key"] for entry in page.get("Contents", ()))

    def _s3(self) -> Any:
        if self._client is None:
            self._client = self.make_client()
        return self._client

    def _safely(self, call: Callable[[], object]) -> None:
        if not self._works:
            return
        try:
            call()
        except (BotoCoreError, ClientError) as error:
            self._works = False
            LOGGER.warning("this trial races no further: S3 failed (%s)", error)


def _parsed(body: bytes, comparable: dict[str, str]) -> FinishedTrial | None:
    """``None`` for what is not a trial scored alike; another version of the image may write."""
    try:
        values = json.loads(body)
        trial = FinishedTrial(
            provisional_scores=tuple(float(score) for score in values["provisional_scores"]),
            score=float(values["score"]),
        )
        alike = values["format"] == FORMAT and values["comparable"] == comparable
    except (ValueError, KeyError, TypeError):
        return None
    finite = all(math.isfinite(score) for score in (*trial.provisional_scores, trial.score))
    return trial if alike and finite else None
