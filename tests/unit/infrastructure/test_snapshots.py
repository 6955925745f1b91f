"""The local environment's templates and pipeline definitions, for a reviewer to read.

What differs although nobody changed the infrastructure is masked: hashes of assets and images.
After a wanted change: ``python -m tests.unit.infrastructure.test_snapshots``, and review the diff.
"""

import json
import re
import tempfile
from pathlib import Path

import pytest

from config.load import REPOSITORY, load_settings
from tests.unit.example_model import with_the_example_only
from tests.unit.infrastructure.assembly import Assembly, definition, synthesize

SNAPSHOTS = REPOSITORY / "tests" / "snapshots"
NAMES = (
    "images.template",
    "storage.template",
    "training.template",
    "serving.template",
    "delivery.template",
    "batch.template",
    "monitoring.template",
    "training.pipeline",
    "batch.pipeline",
)
# Of production: the local environment has no network of its own.
NETWORK = "network.template"


def snapshot(assembly: Assembly, name: str) -> str:
    """``<stack>.template`` or ``<stack>.pipeline`` as masked, indented JSON."""
    ending, _, kind = name.partition(".")
    template = assembly.stack(ending)
    content = template.content if kind == "template" else definition(template)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    text = re.sub(r"[0-9a-f]{64}(?=\.(zip|json))", "<content hash>", text)
    text = re.sub(r"asset\.[0-9a-f]{64}", "asset.<content hash>", text)
    return re.sub(r"(?<=:german-credit-)[0-9a-f]{16}", "<content hash>", text) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_moved_that_nobody_moved(local: Assembly, name: str) -> None:
    expected = (SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8")
    assert snapshot(local, name) == expected


def test_nothing_moved_in_productions_network(prod: Assembly) -> None:
    expected = (SNAPSHOTS / f"{NETWORK}.json").read_text(encoding="utf-8")
    assert snapshot(prod, NETWORK) == expected


def test_a_snapshot_holds_no_hash(local: Assembly) -> None:
    for name in NAMES:
        assert not re.search(r"[0-9a-f]{64}", snapshot(local, name)), name


def write_snapshots() -> None:
    """Replace every snapshot by what is synthesized now."""
    with tempfile.TemporaryDirectory() as folder:
        local = synthesize(with_the_example_only(load_settings("local")), Path(folder) / "local")
        prod = synthesize(with_the_example_only(load_settings("prod")), Path(folder) / "prod")
        for name, assembly in [*((name, local) for name in NAMES), (NETWORK, prod)]:
            (SNAPSHOTS / f"{name}.json").write_text(snapshot(assembly, name), encoding="utf-8")


if __name__ == "__main__":
    write_snapshots()
