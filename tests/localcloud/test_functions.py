"""The processes of functions: none outlives the function that a stack deletes."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.localcloud.conftest import ROLE, RunningCloud, wait_for
from tests.localcloud.processes import processes_of_function

pytestmark = pytest.mark.localcloud

CODE = """
import time

def handler(event, context):
    time.sleep(event["seconds"])
    return "done"
"""


@pytest.fixture
def function(cloud: RunningCloud) -> Iterator[str]:
    """The name of a function, which is that of its stack as well."""
    name = f"function-{time.time_ns()}"
    properties = {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": ROLE,
        "Timeout": 20,
        "Code": {"ZipFile": CODE},
    }
    resources = {"Function": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    formation = cloud.client("cloudformation")
    formation.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": resources}), RoleARN=ROLE
    )
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    yield name
    formation.delete_stack(StackName=name)


def invoke(cloud: RunningCloud, function: str, seconds: float) -> str:
    answer = cloud.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps({"seconds": seconds})
    )
    return str(json.load(answer["Payload"]))


def test_the_process_of_a_function_ends_with_the_function(
    cloud: RunningCloud, function: str
) -> None:
    assert invoke(cloud, function, 0) == "done"
    assert processes_of_function(cloud.settings.state_dir, function)
    cloud.client("cloudformation").delete_stack(StackName=function)
    wait_for(
        lambda: not processes_of_function(cloud.settings.state_dir, function), "its process ends"
    )


def test_an_invocation_that_runs_when_its_function_is_deleted_ends_first(
    cloud: RunningCloud, function: str
) -> None:
    state_dir = cloud.settings.state_dir
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(invoke, cloud, function, 2)
        wait_for(lambda: processes_of_function(state_dir, function), "it is invoked")
        cloud.client("cloudformation").delete_stack(StackName=function)
        functions = cloud.client("lambda")
        wait_for(
            lambda: (
                function not in [f["FunctionName"] for f in functions.list_functions()["Functions"]]
            ),
            "it is deleted",
        )
        assert not answer.done()
        assert answer.result() == "done"
    wait_for(lambda: not processes_of_function(state_dir, function), "its process ends")
