"""A synthesized environment, and questions to ask it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from config.settings import Settings
from stacks.platform import add_stacks, feature_flags

Resource = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """One stack's template."""

    name: str
    content: dict[str, Any]

    def of_type(self, kind: str) -> dict[str, Resource]:
        """Resources of a CloudFormation type, by logical id."""
        resources: dict[str, Resource] = self.content.get("Resources", {})
        return {id: found for id, found in resources.items() if found["Type"] == kind}

    def only(self, kind: str) -> Resource:
        (found,) = self.of_type(kind).values()
        return found

    def types(self) -> set[str]:
        return {resource["Type"] for resource in self.content["Resources"].values()}


@dataclass(frozen=True)
class Assembly:
    """All stacks of one environment; ``stack`` finds one by the end of its name."""

    folder: Path
    templates: dict[str, Template]
    manifest: dict[str, Any]

    def stack(self, ending: str) -> Template:
        (found,) = [t for name, t in self.templates.items() if name.endswith(f"-{ending}")]
        return found

    def artifact(self, ending: str) -> dict[str, Any]:
        """The manifest's entry of a stack."""
        artifact: dict[str, Any] = self.manifest["artifacts"][self.stack(ending).name]
        return artifact

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every Allow statement of every identity policy, with where it stands."""
        for template in self.templates.values():
            for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"):
                for id, resource in template.of_type(kind).items():
                    for statement in _statements(resource["Properties"]):
                        yield f"{template.name}/{id}", statement

    def roles(self) -> dict[str, Resource]:
        return {
            f"{template.name}/{id}": role
            for template in self.templates.values()
            for id, role in template.of_type("AWS::IAM::Role").items()
        }


def _statements(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    documents = [properties.get("PolicyDocument")]
    documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    for document in documents:
        if document is not None:
            yield from (s for s in document["Statement"] if s["Effect"] == "Allow")


def synthesize(settings: Settings, folder: Path) -> Assembly:
    """As app.py does it, cdk-nag included; raises on a finding."""
    app = App(context=feature_flags(), outdir=str(folder), analytics_reporting=False)
    add_stacks(app, settings)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    app.synth()
    return read_assembly(folder)


def read_assembly(folder: Path) -> Assembly:
    templates = {
        path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.template.json"))
    }
    return Assembly(
        folder=folder,
        templates={name: Template(name, content) for name, content in templates.items()},
        manifest=json.loads((folder / "manifest.json").read_text(encoding="utf-8")),
    )


def listed(value: Any) -> list[Any]:
    """IAM writes a list of one as the one."""
    return value if isinstance(value, list) else [value]


def flat(value: Any) -> str:
    """A CloudFormation value as one text; references become ``<...>``."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        delimiter, parts = value["Fn::Join"]
        return str(delimiter).join(flat(part) for part in parts)
    if value == {"Ref": "AWS::Partition"}:
        return "aws"
    if value == {"Ref": "AWS::URLSuffix"}:
        return "amazonaws.com"
    return f"<{json.dumps(value)}>"


def leaves(value: Any, place: str = "") -> dict[str, Any]:
    """Every plain value of a nested one, by its place."""
    if isinstance(value, dict):
        return {
            k: v for key, item in value.items() for k, v in leaves(item, f"{place}/{key}").items()
        }
    if isinstance(value, list):
        return {
            k: v for i, item in enumerate(value) for k, v in leaves(item, f"{place}/{i}").items()
        }
    return {place: value}


def definition(template: Template) -> dict[str, Any]:
    """The parsed definition of the template's only pipeline, references as ARNs of logical ids."""
    pipeline = template.only("AWS::SageMaker::Pipeline")["Properties"]
    body = pipeline["PipelineDefinition"]["PipelineDefinitionBody"]
    _, parts = body["Fn::Join"]
    parsed: dict[str, Any] = json.loads("".join(_deployed(template, part) for part in parts))
    return parsed


def _deployed(template: Template, part: Any) -> str:
    """What a piece of the definition could be once it is deployed."""
    if "Fn::ImportValue" in part:
        name = str(part["Fn::ImportValue"]).partition(":")[2]
        if "Network" in name:
            kind = "subnet" if "Subnet" in name else "sg"
            return f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
        return f"arn:aws:kms:eu-west-1:000000000000:key/{name}"
    if "Fn::GetAtt" in part:
        id = part["Fn::GetAtt"][0]
        is_role = template.content["Resources"][id]["Type"] == "AWS::IAM::Role"
        place = "iam::000000000000:role/" if is_role else "lambda:eu-west-1:000000000000:function:"
        return f"arn:aws:{place}{id}"
    return flat(part)
