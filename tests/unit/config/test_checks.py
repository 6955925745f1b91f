"""Values that are right each by itself, and wrong together."""

from pathlib import Path

import pytest

from config.errors import InvalidSettingsError
from config.load import load_settings
from tests.unit.config.environment_file import Place, set_at, values, write
from warmfold_contract.hyperparameters import MAX_PLATFORM_KEYS

MODEL: Place = ("models", 0)
SERVING: Place = (*MODEL, "serving")
DEPLOYMENT: Place = (*SERVING, "deployment")
CANDIDATE: Place = (*MODEL, "candidates", 0)
RANGES: Place = (*CANDIDATE, "ranges")


def messages(folder: Path, *changes: tuple[Place, object], environment: str = "prod") -> list[str]:
    content = values(environment)
    for place, value in changes:
        content = set_at(content, place, value)
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings(environment, write(folder, content, environment))
    return [str(fault) for fault in caught.value.faults]


def number(minimum: float, maximum: float, **more: object) -> dict[str, object]:
    return {"kind": "continuous", "minimum": minimum, "maximum": maximum, **more}


@pytest.mark.parametrize(
    "span,expected",
    [
        (number(2.0, 1.0), "ranges.x.minimum = 2.0: is not less than maximum (1)"),
        (number(1.0, 1.0), "ranges.x.minimum = 1.0: is not less than maximum (1)"),
        (number(0, 1, scaling="Logarithmic"), "ranges.x.minimum = 0.0: has no logarithm"),
        (number(0, 1, scaling="ReverseLogarithmic"), "needs a continuous range within 0 <= x < 1"),
        (number(1, 2, values=["a"]), "means nothing for a range of kind continuous"),
        ({"kind": "integer", "minimum": 1.5, "maximum": 3}, "minimum = 1.5: is no whole number"),
        ({"kind": "continuous", "minimum": 1}, "ranges.x.maximum: is missing"),
        ({"kind": "categorical", "values": []}, "must hold different values"),
        ({"kind": "categorical", "values": ["a", "a"]}, "must hold different values"),
        ({"kind": "categorical", "values": ["a"], "minimum": 1}, "means nothing for a categorical"),
        ({"kind": "categorical", "values": ["a"], "scaling": "Linear"}, 'scaling = "Linear"'),
    ],
)
def test_a_range_must_make_sense(tmp_path: Path, span: object, expected: str) -> None:
    found = messages(tmp_path, ((*RANGES, "x"), span))
    assert any(expected in message for message in found), found


@pytest.mark.parametrize(
    "changes,expected",
    [
        (
            [((*MODEL, "tuning", "parallel_trials"), 41)],
            "models[0].tuning.parallel_trials = 41: is more than max_trials (40)",
        ),
        (
            [((*SERVING, "minimum_instances"), 11)],
            "models[0].serving.minimum_instances = 11: is more than maximum_instances (10)",
        ),
        (
            [
                ((*SERVING, "instance_type"), "ml.t2.medium"),
                ((*MODEL, "registration", "realtime_instance_types"), ["ml.t2.medium"]),
            ],
            'models[0].serving.instance_type = "ml.t2.medium": is burstable',
        ),
        (
            [((*SERVING, "instance_type"), "ml.m7i.large")],
            "lacks serving.instance_type (ml.m7i.large)",
        ),
        (
            [((*SERVING, "minimum_instances"), 1)],
            "is too few for a canary",
        ),
        (
            [((*DEPLOYMENT, "traffic_shift"), "all_at_once")],
            "canary_percent = 25: means nothing when traffic shifts all_at_once",
        ),
        (
            [((*DEPLOYMENT, "timeout_seconds"), 900)],
            "leaves no time beside wait_seconds and termination_wait_seconds",
        ),
        (
            [((*SERVING, "alarms", "evaluation_minutes"), 10)],
            "serving.alarms.evaluation_minutes = 10: is not over before deployment.wait_seconds",
        ),
        (
            [((*SERVING, "alarms", "evaluation_minutes"), 60), ((*DEPLOYMENT, "wait_seconds"), 0)],
            "is not over before deployment.wait_seconds (0)",
        ),
        (
            [((*MODEL, "delivery", "probes_per_minute"), 0)],
            "models[0].delivery.probes_per_minute = 0: leaves a canary without traffic",
        ),
        ([((*MODEL, "batch", "time_zone"), "CEST")], 'batch.time_zone = "CEST": is no time zone'),
        ([((*MODEL, "batch", "time"), "24:00")], 'batch.time = "24:00": is not allowed'),
        ([((*MODEL, "name"), "x" * 40)], "characters long; AWS allows 64"),
        ([((*MODEL, "project"), "../elsewhere")], "leaves the repository"),
        (
            [((*MODEL, "project"), "examples/german_credti")],
            'models[0].project = "examples/german_credti": is no folder of the repository',
        ),
        ([((*MODEL, "project"), "docs")], 'project = "docs": has no pyproject.toml; name the'),
        ([((*MODEL, "project"), "app.py")], "is no folder of the repository"),
        ([((*MODEL, "project"), "./")], "is the repository itself"),
        ([((*MODEL, "jobs", "trial", "instance_type"), "m5.large")], "such as ml.m5.large"),
        ([((*CANDIDATE, "static", "warmfold_seed"), 1)], "keeps for itself"),
        ([((*CANDIDATE, "static", "num_leaves"), 31)], "is also searched, in ranges"),
        ([((*CANDIDATE, "static", "decay"), float("inf"))], "static.decay = inf: is not finite"),
        ([(("environment", "region"), "Frankfurt")], "write a region such as eu-west-1"),
        ([(("environment", "log_retention_days"), 8)], "use one of 1, 3, 5, 7"),
        ([(("environment", "tags", "aws:x"), "y")], "starts with aws:"),
        ([(("environment", "tags", "x"), "y" * 257)], "is too long for a tag"),
        ([(("environment", "bootstrap_qualifier"), "Not-valid")], "1 to 10 letters and digits"),
    ],
)
def test_values_must_fit_together(
    tmp_path: Path, changes: list[tuple[Place, object]], expected: str
) -> None:
    found = messages(tmp_path, *changes)
    assert any(expected in message for message in found), found


@pytest.mark.parametrize(
    "place,value,expected",
    [
        (("storage", "removable"), True, "would delete production's data"),
        (
            ("environment", "termination_protection"),
            False,
            "leaves production's stacks unprotected",
        ),
        ((*SERVING, "minimum_instances"), 1, "leaves production with a single instance"),
    ],
)
def test_production_is_asked_more(
    tmp_path: Path, place: Place, value: object, expected: str
) -> None:
    assert any(expected in message for message in messages(tmp_path, (place, value)))


def test_what_production_may_not_do_others_may(tmp_path: Path) -> None:
    content = set_at(values("dev"), ("storage", "removable"), True)
    assert load_settings("dev", write(tmp_path, content, "dev")).storage.removable is True


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_an_alarm_must_be_able_to_fire_while_a_deployment_bakes(
    tmp_path: Path, environment: str
) -> None:
    baking = values(environment)["models"][0]["serving"]["deployment"]["wait_seconds"]
    change = ((*SERVING, "alarms", "evaluation_minutes"), baking // 60)
    (found,) = messages(tmp_path, change, environment=environment)
    assert "no alarm could take a deployment back" in found


def test_without_a_canary_there_may_be_no_probes(tmp_path: Path) -> None:
    content = set_at(values("dev"), (*MODEL, "delivery", "probes_per_minute"), 0)
    (model, *_) = load_settings("dev", write(tmp_path, content, "dev")).models
    assert model.delivery.probes_per_minute == 0


def test_names_are_given_once(tmp_path: Path) -> None:
    content = values("prod")
    twice = [content["models"][0]] * 2
    (found,) = messages(tmp_path, (("models",), twice))
    assert 'models[1].name = "german-credit": is taken by another model' in found
    candidate = content["models"][0]["candidates"][0]
    (found,) = messages(tmp_path, ((*MODEL, "candidates"), [candidate, candidate]))
    assert 'models[0].candidates[1].name = "gbdt": is taken by another candidate' in found


def test_an_environment_needs_a_model_and_a_model_a_candidate(tmp_path: Path) -> None:
    assert "models = []: is not allowed; give at least one" in messages(tmp_path, (("models",), []))
    found = messages(tmp_path, ((*MODEL, "candidates"), []))
    assert "models[0].candidates = []: is not allowed; give at least one" in found


def test_a_job_takes_a_hundred_hyperparameters_and_searches_thirty(tmp_path: Path) -> None:
    many = {f"x{i}": number(0, 1) for i in range(31)}
    assert any("search at most 30" in m for m in messages(tmp_path, (RANGES, many)))
    fixed = {f"x{i}": i for i in range(97)}
    found = messages(tmp_path, ((*CANDIDATE, "static"), fixed))
    assert any(f"{MAX_PLATFORM_KEYS} are the platform's own" in message for message in found)


def test_where_ci_builds_the_images_an_environment_does_not_build_them_again(
    tmp_path: Path,
) -> None:
    (found,) = messages(tmp_path, (("ci", "repository"), "acme/models"), environment="dev")
    assert found.startswith('images.source = "build": would build each image once more')


@pytest.mark.parametrize("repository", ["acme", "acme/", "https://github.com/acme/models", "a b/c"])
def test_a_repository_is_named_as_github_names_it(tmp_path: Path, repository: str) -> None:
    (found,) = messages(tmp_path, (("ci", "repository"), repository))
    assert found.startswith("ci.repository = ")
    assert "owner/name" in found


NIGHT = {"start": "20:00", "end": "06:30", "time_zone": "Europe/Zurich", "minimum_instances": 2}


def by_night(**changes: object) -> list[tuple[Place, object]]:
    return [
        ((*SERVING, "minimum_instances"), 4),
        ((*SERVING, "off_hours"), {**NIGHT, **changes}),
    ]


@pytest.mark.parametrize(
    "changes,expected",
    [
        ({"time_zone": "Zurich"}, 'off_hours.time_zone = "Zurich": is no time zone'),
        ({"end": "20:00"}, 'off_hours.end = "20:00": is also the start'),
        ({"start": "24:00"}, 'off_hours.start = "24:00"'),
        ({"minimum_instances": 4}, "minimum_instances = 4: is not less than minimum_instances (4)"),
        ({"minimum_instances": 1}, "off_hours.minimum_instances = 1: is too few for a canary"),
        ({"minimum_instances": 1}, "off_hours.minimum_instances = 1: leaves production"),
    ],
)
def test_off_hours_have_fewer_instances_and_enough(
    tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    found = messages(tmp_path, *by_night(**changes))
    assert any(expected in message for message in found), found


def test_off_hours_that_make_sense_are_taken(tmp_path: Path) -> None:
    content = values("prod")
    for place, value in by_night():
        content = set_at(content, place, value)
    night = load_settings("prod", write(tmp_path, content, "prod")).models[0].serving.off_hours
    assert night is not None
    assert (night.start, night.end, night.minimum_instances) == ("20:00", "06:30", 2)


@pytest.mark.parametrize(
    "table,environment,expected",
    [
        (
            {"email_addresses": [], "monthly_budget_usd": 10},
            "dev",
            "alerts.monthly_budget_usd = 10: would be exceeded without a word",
        ),
        (
            {"email_addresses": [f"a{n}@example.com" for n in range(11)], "monthly_budget_usd": 1},
            "dev",
            "alerts.email_addresses = 11: are more than AWS Budgets writes to",
        ),
        (
            {"email_addresses": [], "monthly_budget_usd": 0},
            "prod",
            "alerts.email_addresses: is empty: nobody would be told of production's alarms",
        ),
        (
            {"email_addresses": ["nobody"], "monthly_budget_usd": 0},
            "prod",
            'alerts.email_addresses[0] = "nobody"',
        ),
    ],
)
def test_alerts_must_reach_somebody(
    tmp_path: Path, table: object, environment: str, expected: str
) -> None:
    found = messages(tmp_path, (("alerts",), table), environment=environment)
    assert any(expected in message for message in found), found
