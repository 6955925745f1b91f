"""The IAM side of synthesized templates, references resolved: what each role may do, and who may
reach each resource.

What CloudFormation names is written ``<stack/logical id>`` here, and so in the recording.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.settings import Settings
from tests.unit.infrastructure.assembly import Assembly, Template, listed

Document = dict[str, Any]

# The property with the name that a template gives, by type; all others are CloudFormation's.
NAMES = {
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Events::EventBus": "Name",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupName",
}
# Policies that are a property of their resource, with the resource's ARN.
POLICY_PROPERTIES = {
    "AWS::ECR::Repository": (
        "RepositoryPolicyText",
        "arn:aws:ecr:{region}:{account}:repository/{name}",
    ),
    "AWS::Events::EventBus": ("Policy", "arn:aws:events:{region}:{account}:event-bus/{name}"),
    "AWS::SageMaker::ModelPackageGroup": (
        "ModelPackageGroupPolicy",
        "arn:aws:sagemaker:{region}:{account}:model-package-group/{name}",
    ),
}
# The ARN of what is called ``{}``: service and resource.
ARNS = {
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::Scheduler::ScheduleGroup": "arn:aws:scheduler:{region}:{account}:schedule-group/{name}",
}
# What CloudFormation's names of roles and functions end in, in the words of `Resolver`.
RANDOM = re.compile(r"[0-9A-F]{8}>")
_NESTED_REFERENCE = re.compile(r"\$\{([^}]+)\}")


def kind(owner: str) -> str:
    """A role, or what has the policy, without the names of its environment, model and stack."""
    name = owner.rpartition(":")[2].removeprefix("event-bus/")
    for part in ("<german-credit-", "warmfold-prod-german-credit-"):
        name = name.replace(part, "")
    return RANDOM.sub("", name)


@dataclass(frozen=True)
class Place:
    """A statement: its owner (a role's name, or a resource's ARN), policy and number."""

    owner: str
    policy: str
    number: int


@dataclass(frozen=True)
class Policies:
    """Documents by policy name, of every role by its name, and of every resource by its ARN."""

    roles: Mapping[str, Mapping[str, Document]]
    resources: Mapping[str, Document]

    def statements(self, effect: str) -> Iterator[tuple[Place, Document]]:
        """Of roles and of resources, with where each stands."""
        named = [(role, name, d) for role, found in self.roles.items() for name, d in found.items()]
        named += [(arn, "", document) for arn, document in self.resources.items()]
        for owner, name, document in named:
            for number, statement in enumerate(document["Statement"]):
                if statement["Effect"] == effect:
                    yield Place(owner, name, number), statement

    def without(self, place: Place) -> "Policies":
        """The same, that one statement left out."""
        if place.owner in self.resources:
            document = _without(self.resources[place.owner], place.number)
            return Policies(self.roles, {**self.resources, place.owner: document})
        own = self.roles[place.owner]
        changed = {**own, place.policy: _without(own[place.policy], place.number)}
        return Policies({**self.roles, place.owner: changed}, self.resources)


def _without(document: Document, number: int) -> Document:
    kept = [each for n, each in enumerate(document["Statement"]) if n != number]
    return {**document, "Statement": kept}


class Resolver:
    """Resolves one environment's references."""

    def __init__(self, assembly: Assembly, settings: Settings) -> None:
        self._assembly = assembly
        self._account = settings.environment.account
        self._region = settings.environment.region
        self._prefix = f"warmfold-{settings.name}-"
        self._exports = {
            output["Export"]["Name"]: (template, output["Value"])
            for template in assembly.templates.values()
            for output in template.content.get("Outputs", {}).values()
            if "Export" in output
        }

    def policies(self) -> Policies:
        roles: dict[str, dict[str, Document]] = {}
        resources: dict[str, Document] = {}
        for template in self._assembly.templates.values():
            for id, resource in template.content.get("Resources", {}).items():
                properties = resource.get("Properties", {})
                self._identity(template, id, resource["Type"], properties, roles)
                self._resource(template, id, resource["Type"], properties, resources)
        return Policies(roles, resources)

    def managed_policies(self) -> dict[str, dict[str, Document]]:
        """Documents that are to be attached to others' roles, each by the policy's name."""
        return {
            name: {name: self._document(template, properties["PolicyDocument"])}
            for template in self._assembly.templates.values()
            for id, resource in template.of_type("AWS::IAM::ManagedPolicy").items()
            for properties in [resource["Properties"]]
            for name in [self._name(template, id)]
        }

    def _identity(
        self,
        template: Template,
        id: str,
        kind: str,
        properties: Document,
        roles: dict[str, dict[str, Document]],
    ) -> None:
        if kind == "AWS::IAM::Role":
            roles.setdefault(self._name(template, id), {})
        if kind == "AWS::IAM::Policy":
            document = self._document(template, properties["PolicyDocument"])
            for role in properties["Roles"]:
                roles.setdefault(self.text(template, role), {})[id] = document

    def _resource(
        self,
        template: Template,
        id: str,
        kind: str,
        properties: Document,
        resources: dict[str, Document],
    ) -> None:
        if kind == "AWS::KMS::Key":
            resources[self._arn(template, id)] = self._document(template, properties["KeyPolicy"])
        elif kind == "AWS::S3::BucketPolicy":
            arn = f"arn:aws:s3:::{self.text(template, properties['Bucket'])}"
            resources[arn] = self._document(template, properties["PolicyDocument"])
        elif kind == "AWS::SQS::QueuePolicy":
            document = self._document(template, properties["PolicyDocument"])
            for queue in properties["Queues"]:
                resources[self._arn(template, queue["Ref"])] = document
        elif kind in POLICY_PROPERTIES:
            property_name, arn = POLICY_PROPERTIES[kind]
            if property_name in properties:
                name = self._name(template, id)
                owner = arn.format(account=self._account, region=self._region, name=name)
                resources[owner] = self._document(template, properties[property_name])
        elif kind == "AWS::Lambda::Permission":
            arn = self.text(template, properties["FunctionName"])
            found = resources.setdefault(arn, {"Version": "2012-10-17", "Statement": []})
            found["Statement"].append(self._permission(template, arn, properties))

    def _permission(self, template: Template, arn: str, properties: Document) -> Document:
        source = self.text(template, properties["SourceArn"])
        return {
            "Effect": "Allow",
            "Principal": {"Service": properties["Principal"]},
            "Action": properties["Action"],
            "Resource": arn,
            "Condition": {"ArnLike": {"AWS:SourceArn": source}},
        }

    def _document(self, template: Template, document: Document) -> Document:
        resolved = self._resolved(template, document)
        statements = listed(resolved["Statement"])
        return {**resolved, "Statement": statements}

    def _resolved(self, template: Template, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(template, item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            return self.text(template, value)
        return {key: self._resolved(template, item) for key, item in value.items()}

    def text(self, template: Template, value: Any) -> str:
        """A value as CloudFormation would write it, but for the names that it makes."""
        if not isinstance(value, dict):
            return str(value)
        ((function, argument),) = value.items()
        if function == "Ref":
            return self._ref(template, argument)
        if function == "Fn::GetAtt":
            id, attribute = argument
            return self._arn(template, id) if attribute == "Arn" else self._name(template, id)
        if function == "Fn::Join":
            return str(argument[0]).join(self.text(template, part) for part in argument[1])
        if function == "Fn::Sub":
            return _NESTED_REFERENCE.sub(lambda m: self._ref(template, m.group(1)), argument)
        if function == "Fn::ImportValue":
            return self.text(*self._exports[self.text(template, argument)])
        raise ValueError(f"{template.name}: {json.dumps(value)}")

    def _ref(self, template: Template, id: str) -> str:
        pseudo = {
            "AWS::Partition": "aws",
            "AWS::AccountId": self._account,
            "AWS::Region": self._region,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if id == "AWS::StackId":
            place = f"arn:aws:cloudformation:{self._region}:{self._account}:stack"
            return f"{place}/{template.name}/<id>"
        return pseudo[id] if id in pseudo else self._name(template, id)

    def _name(self, template: Template, id: str) -> str:
        resource = template.content["Resources"][id]
        given = NAMES.get(resource["Type"])
        if given is not None and given in resource.get("Properties", {}):
            return self.text(template, resource["Properties"][given])
        return f"<{template.name.removeprefix(self._prefix)}/{id}>"

    def _arn(self, template: Template, id: str) -> str:
        kind = template.content["Resources"][id]["Type"]
        name = self._name(template, id)
        return ARNS[kind].format(account=self._account, region=self._region, name=name)
