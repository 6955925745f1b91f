"""A complete, made-up run for report tests; every number is a function of the seed."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from warmfold.report.collect import Batch, Package, ReportData
from warmfold.report.evaluation import Evaluation
from warmfold.runs.records import Parameter, Run, Step, Trial, Tuning

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:"
PIPELINE = "warmfold-local-german-credit-training"
HOSTILE = "<img src=x onerror=alert(1)>"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def trial(number: int, fold_scores: tuple[float, ...], **changes: Any) -> Trial:
    mean = sum(fold_scores) / len(fold_scores) if fold_scores else 0.0
    values: dict[str, Any] = {
        "number": number,
        "job_name": f"trial-job-{number}",
        "status": "Completed",
        "created_at": at(number * 3),
        "started_at": at(number * 3 + 0.2),
        "ended_at": at(number * 3 + 2.7),
        "score": mean,
        "score_std": 0.02,
        "training_score": mean + 0.1,
        "rounds": 40.0 + number,
        "folds_completed": len(fold_scores),
        "fold_scores": fold_scores,
        "hyperparameters": {"learning_rate": f"{0.01 * number}", "num_leaves": f"{4 + number}"},
    }
    return Trial(**{**values, **changes})


def tuning(trials: tuple[Trial, ...], **changes: Any) -> Tuning:
    values: dict[str, Any] = {
        "candidate": "lightgbm",
        "job_name": "tuning-job",
        "status": "Completed",
        "maximize": True,
        "folds": 5,
        "max_trials": 12,
        "objective": "validation:score",
        "parameters": (
            Parameter(name="learning_rate", kind="continuous", logarithmic=True),
            Parameter(name="num_leaves", kind="integer"),
        ),
        "trials": trials,
    }
    return Tuning(**{**values, **changes})


def random_trials(count: int = 12, seed: int = 7) -> tuple[Trial, ...]:
    source = random.Random(seed)  # noqa: S311 - test data
    difficulty = [0.02, -0.015, 0.0, -0.03, 0.025]
    made = []
    for number in range(1, count + 1):
        level = 0.76 + 0.025 * source.random()
        folds = tuple(round(level + d + source.gauss(0, 0.004), 6) for d in difficulty)
        made.append(
            trial(
                number,
                folds,
                hyperparameters={
                    "learning_rate": f"{0.01 * 10 ** source.random():.6f}",
                    "num_leaves": str(source.randint(4, 48)),
                    "min_data_in_leaf": str(source.randint(5, 60)),
                    "boosting": source.choice(["gbdt", "goss"]),
                },
            )
        )
    return tuple(made)


def evaluation_values() -> dict[str, Any]:
    grid = [i / 50 for i in range(51)]
    return {
        "format": 2,
        "task": "classification",
        "metric": "auc",
        "score": 0.78125,
        "metrics": {
            "auc": 0.78125,
            "gini": 0.5625,
            "ks": 0.4375,
            "log_loss": 0.5123,
            "brier": 0.1687,
            "pr_auc": 0.6011,
        },
        "cross_validation": {
            "score": 0.774,
            "score_std": 0.021,
            "training_score": 0.91,
            "fold_scores": [0.79, 0.76, 0.774, 0.744, 0.802],
        },
        "rows": {"holdout": 200, "positive": 60},
        "curves": {
            "roc": {"fpr": grid, "tpr": [g**0.4 for g in grid]},
            "precision_recall": {"recall": grid, "precision": [1 - 0.7 * g**0.7 for g in grid]},
            "calibration": [
                {
                    "mean_score": 0.05 + 0.1 * i,
                    "observed_rate": min(0.9, 0.03 + 0.105 * i),
                    "rows": 20,
                }
                for i in range(9)
            ],
            "ks": {
                "score": grid,
                "positive": [g**1.6 for g in grid],
                "negative": [g**0.35 for g in grid],
            },
        },
        "importance": [
            {"feature": f"feature_{i}", "gain": 1000.0 / (i + 1), "splits": max(0, 40 - 4 * i)}
            for i in range(14)
        ],
        "registration": {"score": "0.78125"},
        "card": {
            "model": {"name": "german-credit", "algorithm": "lightgbm", "rounds": 57},
            "data": {
                "target": "creditability",
                "positive_label": "bad",
                "negative_label": "good",
                "features": ["a", "b"],
            },
            "intended_use": "Ranks applicants for a consumer loan by the risk of default.",
            "limits": ["Trained on 1,000 German loans of the 1990s.", "No reject inference."],
            "hyperparameters": {"learning_rate": "0.0312847", "num_leaves": "23"},
        },
    }


def regression_values() -> dict[str, Any]:
    """The evaluation of a model that predicts prices of about 300."""
    shares = [i / 100 for i in range(101)]
    values = evaluation_values()
    values["card"]["data"] = {"target": "price", "features": ["a", "b"]}
    return {
        **values,
        "task": "regression",
        "metric": "rmse",
        "score": 18.25,
        "metrics": {"rmse": 18.25, "mae": 14.5, "r2": 0.9375},
        "cross_validation": {
            "score": 19.0,
            "score_std": 1.5,
            "training_score": 12.0,
            "fold_scores": [18.0, 19.5, 20.5, 17.0, 20.0],
        },
        "rows": {"holdout": 200},
        "curves": {
            "residuals": {"quantile": shares, "residual": [80 * (s - 0.5) for s in shares]},
            "predicted_actual": [
                {
                    "mean_score": 200.0 + 40 * i,
                    "mean_target": 205.0 + 39 * i,
                    "target_std": 9.0,
                    "rows": 20,
                }
                for i in range(10)
            ],
        },
    }


def run(trials: tuple[Trial, ...], **changes: Any) -> Run:
    names = (
        ("BuildFeatures", "ProcessingJob"),
        ("Tune-lightgbm", "TuningJob"),
        ("SelectBestTrial", "Lambda"),
        ("TrainFinalModel", "TrainingJob"),
        ("EvaluateModel", "ProcessingJob"),
        ("CheckScore", "Condition"),
        ("RegisterModel", "RegisterModel"),
        ("CreateModel", "Model"),
        ("TransformHoldout", "TransformJob"),
    )
    steps = tuple(
        Step(
            name=name,
            kind=kind,
            status="Succeeded",
            started_at=at(10.0 * i),
            ended_at=at(10.0 * i + 8),
            resource="" if kind == "Condition" else f"{ARN}{kind.lower()}/pipelines-abc-{name}",
            outcome="True" if kind == "Condition" else "",
        )
        for i, (name, kind) in enumerate(names)
    )
    values: dict[str, Any] = {
        "pipeline": PIPELINE,
        "execution_arn": f"{ARN}pipeline/{PIPELINE}/execution/abc123def456",
        "status": "Succeeded",
        "started_at": START,
        "ended_at": at(75),
        "steps": steps,
        "tunings": (tuning(trials),) if trials else (),
    }
    return Run(**{**values, **changes})


def report_data(**changes: Any) -> ReportData:
    trials = random_trials()
    parameters = (
        Parameter(name="learning_rate", kind="continuous", logarithmic=True),
        Parameter(name="num_leaves", kind="integer"),
        Parameter(name="min_data_in_leaf", kind="integer", logarithmic=True),
        Parameter(name="boosting", kind="categorical"),
    )
    values: dict[str, Any] = {
        "model": "german-credit",
        "environment": "local",
        "run": run(trials, tunings=(tuning(trials, parameters=parameters),)),
        "evaluation": Evaluation.from_json(json.dumps(evaluation_values())),
        "package": Package(
            arn=f"{ARN}model-package/warmfold-local-german-credit/1",
            group="warmfold-local-german-credit",
            version=1,
            approval="Approved",
            created_at=at(70),
            metadata={"git_commit": "unknown", "wheel_sha256": "ab" * 32},
        ),
        "minimum_score": 0.7,
        "batch": Batch(
            uri="s3://bucket/german-credit/batch/output/day=2026-03-02/manifest.json",
            manifest={"day": "2026-03-02", "rows": 200},
        ),
    }
    return ReportData(**{**values, **changes})
