"""What `cdk rollback` asks of a stack whose rollback failed."""

from typing import Any

import pytest
from ministack.services.cloudformation import handlers

from warmfold_local.ministack_cloudformation import complete_rollbacks


@pytest.mark.parametrize(
    "given, passed_on",
    [
        ({"ResourcesToSkip": [""]}, {"ResourcesToSkip": []}),
        ({"ResourcesToSkip": ["Endpoint"]}, {"ResourcesToSkip": ["Endpoint"]}),
        ({"ResourcesToSkip.member.1": ["Endpoint"]}, {"ResourcesToSkip.member.1": ["Endpoint"]}),
        ({}, {}),
    ],
)
def test_no_resource_is_skipped_that_has_no_name(
    given: dict[str, Any], passed_on: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[Any]()
    monkeypatch.setitem(handlers._ACTION_HANDLERS, "ContinueUpdateRollback", seen.append)
    complete_rollbacks()
    handlers._ACTION_HANDLERS["ContinueUpdateRollback"]({"StackName": ["s"], **given})
    assert seen == [{"StackName": ["s"], **passed_on}]
