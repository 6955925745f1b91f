"""A fault in a table hides no other: what can be said is said in one round."""

from pathlib import Path

import pytest

from tests.unit.config.environment_file import Place, at, dotted, set_at, values
from tests.unit.config.test_checks import CANDIDATE, DEPLOYMENT, MODEL, SERVING, messages
from tests.unit.config.test_search import messages as messages_of

CREATED: Place = ("environment", "network", "created")


@pytest.mark.parametrize(
    "wrong,also,expected",
    [
        (
            ((*SERVING, "scale_in_cooldown_seconds"), "10m"),
            ((*SERVING, "minimum_instances"), 1),
            "leaves production with a single instance",
        ),
        (
            ((*SERVING, "alarms", "latency_milliseconds"), "fast"),
            ((*SERVING, "instance_type"), "ml.t2.medium"),
            "is burstable",
        ),
        (
            ((*DEPLOYMENT, "traffic_shift"), "canari"),
            ((*DEPLOYMENT, "timeout_seconds"), 900),
            "leaves no time beside wait_seconds",
        ),
        (
            ((*MODEL, "tuning", "metric"), 7),
            ((*MODEL, "tuning", "parallel_trials"), 41),
            "is more than max_trials (40)",
        ),
        (
            ((*MODEL, "data", "seed"), "now"),
            ((*MODEL, "data", "repeats"), 8),
            "makes 40 folds",
        ),
        (
            ((*CANDIDATE, "name"), 1),
            ((*CANDIDATE, "static", "max_round"), 9),
            "is no hyperparameter of lightgbm, did you mean 'max_rounds'?",
        ),
        (
            ((*CANDIDATE, "static", "max_rounds"), [1]),
            ((*CANDIDATE, "ranges", "num_leafs"), {"kind": "integer", "minimum": 1, "maximum": 2}),
            "num_leafs: is no hyperparameter of lightgbm",
        ),
        (
            ((*CREATED, "cidr"), 10),
            ((*CREATED, "subnets", 0, "cidr"), "10.42.16.0/20"),
            "overlaps subnets[0].cidr",
        ),
        (
            ((*CREATED, "subnets", 0, "zone"), 1),
            ((*CREATED, "subnets", 1, "zone"), "eu-west-2b"),
            "is no zone of eu-west-1",
        ),
        (
            (("environment", "log_retention_days"), "90"),
            (("environment", "termination_protection"), False),
            "leaves production's stacks unprotected",
        ),
        (
            (("storage", "batch_retention_days"), "30d"),
            (("storage", "removable"), True),
            "would delete production's data",
        ),
        (
            ((*MODEL, "gate", "minimum_score"), "high"),
            ((*MODEL, "jobs", "trial", "instance_count"), 2),
            "would do the same work once per machine",
        ),
        (
            (("ci", "creates_oidc_provider"), "yes"),
            (("images", "source"), "build"),
            "would build each image once more",
        ),
    ],
)
def test_a_wrong_value_does_not_keep_rules_about_others_from_being_asked(
    tmp_path: Path, wrong: tuple[Place, object], also: tuple[Place, object], expected: str
) -> None:
    repository = (("ci", "repository"), "acme/models")
    found = messages(tmp_path, repository, wrong, also)
    assert any(message.startswith(dotted(wrong[0])) for message in found), found
    assert any(expected in message for message in found), found


def test_a_rule_that_reads_a_wrong_value_says_nothing(tmp_path: Path) -> None:
    (found,) = messages(tmp_path, ((*SERVING, "maximum_instances"), "ten"))
    assert found.startswith('models[0].serving.maximum_instances = "ten"')
    (found,) = messages(tmp_path, ((*DEPLOYMENT, "canary_percent"), "25%"))
    assert found.startswith('models[0].serving.deployment.canary_percent = "25%"')


def test_a_value_that_a_rule_refuses_is_unknown_to_the_tables_around(tmp_path: Path) -> None:
    (found,) = messages(tmp_path, ((*MODEL, "tuning", "metric"), "accuracy"))
    assert "is no metric of the trainer" in found


def test_a_wrong_model_hides_nothing_of_the_next(tmp_path: Path) -> None:
    models = values()["models"] * 3
    models = set_at({"models": models}, ("models", 0, "data", "folds"), 1)["models"]
    content = set_at(values(), ("models",), [*models, 7])
    keys = [found.split(":")[0] for found in messages_of(tmp_path, content)]
    assert "models[0].data.folds = 1" in keys
    assert "models[3] = 7" in keys


def test_a_misspelt_key_is_one_fault_also_of_a_value_that_must_be_there(tmp_path: Path) -> None:
    for place in ((*MODEL, "tuning", "max_trials"), (*DEPLOYMENT, "canary_percent")):
        content = set_at(values(), (*place[:-1], f"{place[-1]}s"), 25)
        del at(content, place[:-1])[place[-1]]
        (found,) = messages_of(tmp_path, content)
        assert f"is not a known key, did you mean '{place[-1]}'?" in found
