"""One boto3 session for many tests: it reads a service's model once, which takes 0.1 s."""

from functools import cache

import boto3


@cache
def shared_session(region: str = "us-east-1") -> boto3.Session:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)
