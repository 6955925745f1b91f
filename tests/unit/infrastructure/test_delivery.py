"""From an approval to a stack update."""

from tests.unit.infrastructure.assembly import Assembly, flat, listed


def test_a_change_of_approval_of_this_models_packages_reaches_the_queue(prod: Assembly) -> None:
    template = prod.stack("delivery")
    (rule,) = [
        rule["Properties"]
        for rule in template.of_type("AWS::Events::Rule").values()
        if "EventPattern" in rule["Properties"]
    ]
    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["warmfold-prod-german-credit"]},
    }
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0].startswith("PromotionQueue")
    assert "DeadLetterConfig" in target


def test_lost_events_are_made_up_for(prod: Assembly, local: Assembly) -> None:
    for assembly, expression in ((prod, "rate(15 minutes)"), (local, "rate(1 hour)")):
        (rule,) = [
            rule["Properties"]
            for rule in assembly.stack("delivery").of_type("AWS::Events::Rule").values()
            if "ScheduleExpression" in rule["Properties"]
        ]
        assert rule["ScheduleExpression"] == expression
        assert rule["Targets"][0]["Input"] == '{"reconcile":true}'


def test_a_message_comes_back_while_an_update_runs_and_ends_in_a_dead_letter_queue(
    prod: Assembly,
) -> None:
    template = prod.stack("delivery")
    (queue,) = [
        queue["Properties"]
        for queue in template.of_type("AWS::SQS::Queue").values()
        if "RedrivePolicy" in queue["Properties"]
    ]
    function = template.only("AWS::Lambda::Function")["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    # Longer than a canary with its waits, which production allows an hour.
    assert queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"] > 3600
    mapping = template.only("AWS::Lambda::EventSourceMapping")["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_queues_are_encrypted_and_answer_tls_only(prod: Assembly) -> None:
    for ending in ("delivery", "batch"):
        template = prod.stack(ending)
        queues = template.of_type("AWS::SQS::Queue")
        policies = template.of_type("AWS::SQS::QueuePolicy").values()
        assert all(q["Properties"]["SqsManagedSseEnabled"] is True for q in queues.values())
        denied = {
            queue["Ref"]
            for policy in policies
            for queue in policy["Properties"]["Queues"]
            for s in policy["Properties"]["PolicyDocument"]["Statement"]
            if s["Effect"] == "Deny"
            and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        }
        assert denied == set(queues)


def test_the_function_knows_registry_stack_and_role(prod: Assembly) -> None:
    function = prod.stack("delivery").only("AWS::Lambda::Function")["Properties"]
    variables = function["Environment"]["Variables"]
    assert variables["MODEL_PACKAGE_GROUP_NAME"] == "warmfold-prod-german-credit"
    assert variables["SERVING_STACK_NAME"] == "warmfold-prod-german-credit-serving"
    assert "ServingDeploymentRole" in flat(variables["SERVING_DEPLOYMENT_ROLE_ARN"])


def test_cdk_deploy_may_pass_the_serving_role(prod: Assembly) -> None:
    (policy,) = [
        policy["Properties"]
        for policy in prod.stack("delivery").of_type("AWS::IAM::Policy").values()
        if policy["Properties"]["Roles"] == ["cdk-hnb659fds-deploy-role-333333333333-eu-west-1"]
    ]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert listed(statement["Action"]) == ["iam:PassRole"]


def test_the_serving_stack_is_deployed_after_the_role_it_is_deployed_with(prod: Assembly) -> None:
    assert prod.stack("delivery").name in prod.artifact("serving")["dependencies"]
    assert prod.stack("training").name in prod.artifact("delivery")["dependencies"]
