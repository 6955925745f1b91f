"""Finding the image's project."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from warmfold_contract.errors import UserError
from warmfold_contract.project import Project, ProjectMetric, installed_wheel, load_project
from warmfold_contract.schema import Column

MODULE = """
from warmfold_contract.project import Project
PROJECT = Project(name="loans", columns=(), target="bad", positive_label="1",
                  negative_label="0", features=dict)
OTHER = "not a project"
"""


def install(site: Path, name: str, value: str) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[warmfold.project]\nproject = {value}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "warmfold_project_of_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_one_installed_project_is_loaded(site: Path) -> None:
    install(site, "loans", "warmfold_project_of_test:PROJECT")
    project = load_project()
    assert (project.name, project.limits) == ("loans", ())


def test_none_or_two_projects_are_refused_naming_them(site: Path) -> None:
    with pytest.raises(UserError, match=r"exactly one project .* found: none"):
        load_project()
    install(site, "loans", "warmfold_project_of_test:PROJECT")
    install(site, "cards", "cards.project:PROJECT")
    with pytest.raises(UserError, match=r"found: cards\.project:PROJECT, warmfold_project_of_test"):
        load_project()


def test_an_entry_point_to_something_else_is_refused(site: Path) -> None:
    install(site, "loans", "warmfold_project_of_test:OTHER")
    with pytest.raises(UserError, match="is not a warmfold_contract Project"):
        load_project()


def test_a_project_whose_code_cannot_be_imported_is_named_with_the_reason(site: Path) -> None:
    install(site, "loans", "module_that_is_not_there:PROJECT")
    with pytest.raises(UserError, match=r"cannot be imported: ModuleNotFoundError: No module"):
        load_project()


NUMBER = Column("amount", "number")
METRIC = ProjectMetric(function=lambda target, score: 0.0, greater_is_better=True)


def test_a_regression_with_further_feature_sets_and_metrics_is_a_project() -> None:
    project = Project(
        name="losses",
        columns=(NUMBER, Column("paid", "money", decimal=",", currency="EUR")),
        target="loss",
        task="regression",
        features=dict,
        feature_sets={"small": dict},
        group="customer",
        time="signed",
        metrics={"cost": METRIC},
    )
    assert list(project.feature_functions) == ["default", "small"]


@pytest.mark.parametrize(
    "changed,fault",
    [
        ({"columns": (NUMBER, NUMBER)}, r"columns declared twice: \['amount'\]"),
        ({"columns": (Column("a", "int"),)}, r"unknown column kinds \['int'\]"),  # type: ignore[arg-type]
        ({"target": "amount"}, "the target 'amount' is among the columns"),
        ({"negative_label": "1"}, "both labels are '1'"),
        ({"negative_label": " "}, "a classification needs a positive_label and"),
        ({"task": "ranking"}, "unknown task 'ranking': use 'classification' or 'regression'"),
        ({"task": "regression"}, "a regression has no labels: remove them"),
        ({"group": "bad"}, "the target 'bad' cannot be the group or the time as well"),
        ({"time": "bad"}, "the target 'bad' cannot be the group or the time as well"),
        ({"columns": (Column("a", "money", decimal="'"),)}, 'column .a.: decimal is "\'"'),
        (
            {"columns": (Column("a", "number", decimal=","),)},
            "column 'a': only a money column has decimal",
        ),
        (
            {"columns": (Column("a", "number", currency="$"),)},
            "column 'a': only a money column has decimal",
        ),
        ({"feature_sets": {"default": dict}}, "feature set 'default' is the one that `features`"),
        ({"feature_sets": {"../x": dict}}, "'../x' cannot name a feature set or metric: use up"),
        ({"metrics": {"a b": METRIC}}, "'a b' cannot name a feature set or metric"),
    ],
)
def test_a_project_that_contradicts_itself_is_refused(changed: dict[str, Any], fault: str) -> None:
    good = Project(
        name="loans",
        columns=(NUMBER,),
        target="bad",
        positive_label="1",
        negative_label="0",
        features=dict,
    )
    with pytest.raises(UserError, match=f"^project 'loans': {fault}"):
        replace(good, **changed)


def test_the_wheel_is_the_one_the_image_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = {"name": "loans", "version": "1.0", "wheel_sha256": "ab"}
    path = tmp_path / "warmfold_project.json"
    path.write_text(json.dumps({**wheel, "more": 1}))
    monkeypatch.setenv("WARMFOLD_PROJECT_FILE", str(path))
    assert installed_wheel() == wheel


def test_an_image_that_names_no_wheel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WARMFOLD_PROJECT_FILE", raising=False)
    with pytest.raises(UserError, match="WARMFOLD_PROJECT_FILE does not name"):
        installed_wheel()
