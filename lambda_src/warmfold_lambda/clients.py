"""boto3 clients, made on first use and kept for the life of the execution environment."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# botocore's own default is 3 attempts: too few beside List calls at 2/s per account that all
# pipelines share. The standard mode adds full jitter and waits at most 20 s between attempts.
TOTAL_MAX_ATTEMPTS = 10

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": TOTAL_MAX_ATTEMPTS},
    connect_timeout=5,
    read_timeout=30,
)


@cache
def client(service: str, config: Config = CONFIG) -> Any:
    """The client of a service, by its boto3 name (``sagemaker``)."""
    return boto3.client(service, config=config)  # type: ignore[call-overload]
