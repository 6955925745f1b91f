"""Describe, List, Stop and Delete of the kinds of jobs that have nothing of their own in them."""

from typing import Any

from warmfold_local.cloud import Cloud
from warmfold_local.sagemaker.jobs import JobKind, delete_job, describe_job, request_stop
from warmfold_local.sagemaker.listing import list_page
from warmfold_local.sagemaker.protocol import operation


def offer(kind: JobKind, *, deletable: bool = False) -> None:
    """Register them by the kind's own names, such as ``DescribeProcessingJob``."""
    name = f"{kind.member}Name"

    @operation(f"Describe{kind.member}")
    def describe(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
        return describe_job(cloud, kind, request[name])

    @operation(f"List{kind.member}s")
    def listed(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
        jobs = cloud.table(kind.label)
        result = f"{kind.member}Summaries"
        return list_page(request, jobs, result=result, name=name, status=kind.status)

    @operation(f"Stop{kind.member}")
    def stop(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
        request_stop(cloud, kind, request[name])
        return {}

    if deletable:

        @operation(f"Delete{kind.member}")
        def delete(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
            """The name can be used again."""
            delete_job(cloud, kind, request[name])
            return {}
