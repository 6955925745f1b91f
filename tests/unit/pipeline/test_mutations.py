"""Each way to break a definition is caught, by a message that says where and what."""

import pytest

from tests.unit.pipeline.examples import training
from tests.unit.pipeline.mutations.change import Mutation
from tests.unit.pipeline.mutations.documents import DOCUMENTS, DocumentMutation
from tests.unit.pipeline.mutations.jobs import JOBS
from tests.unit.pipeline.mutations.names import NAMES
from tests.unit.pipeline.mutations.order import ORDER
from tests.unit.pipeline.mutations.references import REFERENCES
from tests.unit.pipeline.mutations.shapes import SHAPES
from tests.unit.pipeline.mutations.steps import STEPS
from tests.unit.pipeline.mutations.tuning import TUNING
from warmfold.pipeline.faults import DefinitionError
from warmfold.pipeline.validate import faults, require_valid

MUTATIONS = (*SHAPES, *REFERENCES, *ORDER, *NAMES, *TUNING, *JOBS, *STEPS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation.name for mutation in MUTATIONS])
def test_a_broken_step_is_named_with_its_fault(mutation: Mutation) -> None:
    definition = training()
    mutation.apply(definition)

    messages = [str(fault) for fault in faults(definition) if fault.step == mutation.step]

    assert any(all(word in message for word in mutation.words) for message in messages), messages
    assert all(message.startswith(f"step {mutation.step}") for message in messages)


@pytest.mark.parametrize("mutation", DOCUMENTS, ids=[mutation.name for mutation in DOCUMENTS])
def test_a_broken_document_is_described(mutation: DocumentMutation) -> None:
    definition = training()
    mutation.change(definition)

    messages = [str(fault) for fault in faults(definition)]

    assert any(all(word in message for word in mutation.words) for message in messages), messages


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation.name for mutation in MUTATIONS])
def test_messages_stay_short(mutation: Mutation) -> None:
    """No 300-value enum and no whole document in a message."""
    definition = training()
    mutation.apply(definition)

    assert max(len(str(fault)) for fault in faults(definition)) < 500


def test_a_bad_default_is_reported_where_it_is_used_with_its_parameter() -> None:
    definition = training()
    image = next(p for p in definition["Parameters"] if p["Name"] == "TrialRoleArn")
    image["DefaultValue"] = "trial-role"

    found = faults(definition)

    assert {fault.step for fault in found} == {"Tune-gbdt"}
    assert all("the default of parameter TrialRoleArn" in fault.problem for fault in found)


def test_every_fault_is_listed_at_once() -> None:
    definition = training()
    SHAPES[0].apply(definition)
    SHAPES[1].apply(definition)

    with pytest.raises(DefinitionError) as raised:
        require_valid(definition)

    assert {fault.step for fault in raised.value.faults} == {"Tune-gbdt", "TrainFinalModel"}
    assert "2 faults" in str(raised.value)
    assert "step Tune-gbdt" in str(raised.value)
