"""Constructs on their own, synthesized for the running local cloud."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Read by the CDK's Node.js process, which starts with the first construct: see the unit tests'.
os.environ["CDK_VALIDATION"] = "false"
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20,21,23"

from aws_cdk import App, Stack


def template(
    folder: Path, account: str, build: Callable[[Stack], object], **context: object
) -> dict[str, Any]:
    """The template of a stack with what ``build`` puts into it, without bootstrap's parts."""
    app = App(context=context, outdir=str(folder))
    build(Stack(app, "Stack", env={"account": account, "region": "us-east-1"}))
    found = app.synth().get_stack_by_name("Stack").template
    return {"Resources": found["Resources"]}
