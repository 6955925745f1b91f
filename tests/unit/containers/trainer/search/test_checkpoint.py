"""The checkpoint: what it keeps, and whose it is."""

import json
from pathlib import Path

import pytest

from tests.unit.containers.trainer.search.aids import (
    checkpoint,
    plan,
    small_search,
    span,
    without_times,
)
from tests.unit.containers.trainer.tables import feature_set
from warmfold_contract.errors import UserError
from warmfold_contract.trials import CHECKPOINT_FILE

FOUR = {"warmfold_max_trials": "4"}


def test_every_trial_that_ended_is_read_back_as_it_was(tmp_path: Path) -> None:
    kept = checkpoint(tmp_path, plan(**FOUR))
    assert kept.read() == []
    search = small_search(plan(**FOUR), keep=kept.add)
    search.run()

    assert checkpoint(tmp_path, plan(**FOUR)).read() == [search.ended[n] for n in (1, 2, 3, 4)]
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]


def test_more_trials_may_be_asked_for_of_the_same_search(tmp_path: Path) -> None:
    small_search(plan(**FOUR), keep=checkpoint(tmp_path, plan(**FOUR)).add).run()

    again = checkpoint(tmp_path, plan())
    longer = small_search(plan(), keep=again.add)
    longer.resume(again.read())
    longer.run()

    assert sorted(longer.ended) == list(range(1, 9))
    assert len(checkpoint(tmp_path, plan()).read()) == 8


@pytest.mark.parametrize(
    "changed,named",
    [
        ({"warmfold_seed": "8"}, "seed"),
        ({"warmfold_metric": "log_loss"}, "metric"),
        ({"warmfold_candidate": "other"}, "candidate"),
        ({"max_rounds": "31"}, "fixed hyperparameters"),
        ({"warmfold_range_num_leaves": span("integer", minimum=2, maximum=9)}, "ranges"),
    ],
)
def test_a_checkpoint_of_another_search_is_refused_and_kept(
    tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    small_search(plan(**FOUR), keep=checkpoint(tmp_path, plan(**FOUR)).add).run()
    before = (tmp_path / CHECKPOINT_FILE).read_bytes()

    with pytest.raises(UserError, match=rf"of another search \(different: .*{named}"):
        checkpoint(tmp_path, plan(**changed)).read()

    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == before


def test_a_checkpoint_of_other_data_or_folds_is_refused(tmp_path: Path) -> None:
    small_search(plan(**FOUR), keep=checkpoint(tmp_path, plan(**FOUR)).add).run()
    other = feature_set(seed=1)
    with pytest.raises(UserError, match=r"different: data, folds\)"):
        checkpoint(tmp_path, plan(**FOUR), other).read()


@pytest.mark.parametrize("text", [b"", b"{", b"[]\n", b'{"format": 1}\n', b"null\n", b"\xff\n"])
def test_a_damaged_checkpoint_is_refused_with_the_remedy(tmp_path: Path, text: bytes) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(text)
    with pytest.raises(UserError, match=r"is damaged .* empty the CheckpointConfig's S3 prefix"):
        checkpoint(tmp_path, plan()).read()


def test_a_checkpoint_of_another_version_says_so(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT_FILE).write_text(json.dumps({"format": 9, "search": {}}) + "\n")
    with pytest.raises(UserError, match="has format 9, not 1"):
        checkpoint(tmp_path, plan()).read()


def test_a_search_goes_on_after_a_restart_as_if_there_had_been_none(tmp_path: Path) -> None:
    """With one trial at a time; what was running is lost, and drawn again."""
    whole = small_search(plan())
    whole.run()
    kept = checkpoint(tmp_path, plan())
    for number in (1, 2, 3, 4, 5):
        kept.add(whole.ended[number])

    again = checkpoint(tmp_path, plan())
    resumed = small_search(plan(), keep=again.add)
    resumed.resume(again.read())
    resumed.run()

    assert without_times(resumed.ended) == without_times(whole.ended)
