"""The processing job: what it writes, and that bad input leaves nothing."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.unit.containers.trainer.jobs import DATA, SPLIT, Job
from tests.unit.containers.trainer.processing import LINES, outputs, read
from warmfold_contract.errors import UserError
from warmfold_contract.paths import Paths
from warmfold_trainer.process import process

Run = Callable[..., dict[str, bytes]]


@pytest.fixture
def run_here(job: Job, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the job in this process, on the given files; its outputs."""
    monkeypatch.syspath_prepend(job.site)

    def run(files: dict[str, bytes | str], **changed: str) -> dict[str, bytes]:
        for name, value in {**SPLIT, **changed}.items():
            monkeypatch.setenv(name, value)
        folder = job.paths.processing_input("raw")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(raw)
        process(job.paths)
        return outputs(job.paths)

    return run


def test_every_row_is_in_train_or_hold_out_and_never_in_both(processed: Paths) -> None:
    train, holdout = read(processed)
    train_ids, holdout_ids = set(train.row_id.tolist()), set(holdout.row_id.tolist())
    assert train_ids.isdisjoint(holdout_ids)
    assert train_ids | holdout_ids == set(range(1, 1001))
    assert (train.rows, holdout.rows) == (800, 200)


def test_classes_are_spread_evenly_and_labels_belong_to_their_rows(processed: Paths) -> None:
    train, holdout = read(processed)
    assert (holdout.target.sum(), train.target.sum()) == (60, 240)
    assert train.fold is not None
    assert np.bincount(train.fold[train.target == 1, 0]).tolist() == [0, 48, 48, 48, 48, 48]
    labels = [row["creditability"] for row in csv.DictReader(LINES)]
    for part in (train, holdout):
        expected = [labels[row - 1] == "bad" for row in part.row_id]
        np.testing.assert_array_equal(part.target, expected)


def test_features_are_those_of_their_row(processed: Paths) -> None:
    rows = list(csv.DictReader(LINES))
    for part in read(processed):
        names = [feature.name for feature in part.schema.features]
        amount = part.features[:, names.index("credit_amount")]
        assert amount.tolist() == [float(rows[i - 1]["credit_amount"]) for i in part.row_id]
        purpose = part.schema.features[names.index("purpose")]
        codes = part.features[:, names.index("purpose")].astype(int)
        texts = [purpose.levels[code] for code in codes]
        assert texts == [rows[i - 1]["purpose"] for i in part.row_id]


def test_protected_attributes_are_raw_columns_but_no_features(processed: Paths) -> None:
    schema = read(processed)[0].schema
    protected = {"personal_status_and_sex", "foreign_worker"}
    assert protected <= {column.name for column in schema.columns}
    assert protected.isdisjoint(feature.name for feature in schema.features)


def test_the_transform_input_is_the_hold_out_without_its_target(processed: Paths) -> None:
    text = (processed.processing_output("transform") / "holdout.jsonl").read_text("utf-8")
    requests = [json.loads(line) for line in text.splitlines()]
    holdout = read(processed)[1]
    assert [list(request) for request in requests] == [
        [column.name for column in holdout.schema.columns]
    ] * holdout.rows
    rows = list(csv.DictReader(LINES))
    for request, row_id in zip(requests, holdout.row_id, strict=True):
        raw = rows[row_id - 1]
        assert {name: str(value) for name, value in request.items()} == {
            name: raw[name] for name in request
        }


def test_the_outputs_hold_no_pickle_and_the_promised_types(processed: Paths) -> None:
    train = processed.processing_output("train")
    types = {path.stem: np.load(path).dtype.str for path in train.rglob("*.npy")}
    assert types == {"features": "<f4", "target": "|u1", "row_id": "<i8", "fold": "<i2"}
    description = json.loads((train / "schema.json").read_text())
    assert set(description) == {
        *("data_fingerprint", "fold_hash", "folds", "repeats", "assignment", "task", "rows"),
        *("feature_sets", "grouped"),
    }
    assert description["feature_sets"] == ["default"]
    assert {path.name for path in (train / "default").iterdir()} == {"features.npy", "schema.json"}


def test_the_same_rows_in_several_files_with_byte_order_marks_give_the_same_bytes(
    run_here: Run, processed: Paths
) -> None:
    made = run_here(
        {
            "1.csv": b"\xef\xbb\xbf" + "".join(LINES[:300]).encode(),
            "2.csv": "".join([LINES[0], *LINES[300:]]).replace("\n", "\r\n"),
        }
    )
    assert made == outputs(processed)


def test_another_seed_holds_out_other_rows(run_here: Run, processed: Paths) -> None:
    made = run_here({"x.csv": "".join(LINES)}, WARMFOLD_SEED="8")
    assert made["holdout/row_id.npy"] != outputs(processed)["holdout/row_id.npy"]


def changed(row: int, old: str, new: str) -> str:
    """The data with one text replaced in one data row."""
    lines = list(LINES)
    assert old in lines[row]
    lines[row] = lines[row].replace(old, new, 1)
    return "".join(lines)


def labelled(*labels: str) -> str:
    """The first rows, with these labels."""
    rows = [
        line.rsplit(",", 1)[0] + f",{label}\n"
        for line, label in zip(LINES[1:], labels, strict=False)
    ]
    return LINES[0] + "".join(rows)


@pytest.mark.parametrize(
    "content,fault",
    [
        (
            changed(3, "2096", "many"),
            "x.csv, data row 3, column 'credit_amount': expected a number",
        ),
        (changed(3, "2096", "1e309"), "x.csv, data row 3, column 'credit_amount': .*not finite"),
        (changed(0, "creditability", "outcome"), r"x.csv lacks the columns \['creditability'\]"),
        (changed(0, "housing", "house"), r"x.csv lacks the columns \['housing'\]"),
        (
            changed(5, ",bad\n", ",awful\n"),
            "1 rows do not .0 blank, 1 another value.: x.csv, data row 5",
        ),
        (
            changed(5, ",bad\n", ",\n"),
            "1 rows do not .1 blank, 0 another value.: x.csv, data row 5",
        ),
        (
            labelled(*["good"] * 20),
            "the target column 'creditability' holds only 'good'.*positive_label",
        ),
        (
            labelled(*["maybe"] * 20),
            "20 rows do not .* and 10 more; .*project's positive_label and negative_label$",
        ),
        (labelled(*["good"] * 20, *["bad"] * 5), "5 folds need at least 5 rows of each class"),
        (
            "".join(LINES[1:]),
            "x.csv: columns 8 and 11 of the header have one name",
        ),
        (LINES[0], "x.csv has a header but no data rows"),
    ],
)
def test_bad_data_is_refused_with_its_place_and_leaves_nothing(
    run_here: Run, job: Job, content: str, fault: str
) -> None:
    with pytest.raises(UserError, match=fault) as caught:
        run_here({"x.csv": content})
    assert not any(text in str(caught.value) for text in ("many", "1e309", "awful", "maybe"))
    assert outputs(job.paths) == {}


@pytest.mark.parametrize(
    "name,value,fault",
    [
        ("WARMFOLD_FOLDS", "1", "WARMFOLD_FOLDS is '1': use an integer from 2 to 35"),
        ("WARMFOLD_FOLDS", "36", "WARMFOLD_FOLDS is '36'"),
        ("WARMFOLD_FOLDS", "300", "WARMFOLD_FOLDS is '300'"),
        ("WARMFOLD_HOLDOUT_FRACTION", "0", "use a number above 0 below 1"),
        ("WARMFOLD_HOLDOUT_FRACTION", "1", "use a number above 0 below 1"),
        ("WARMFOLD_HOLDOUT_FRACTION", "0.001", "leaves no hold-out rows"),
        ("WARMFOLD_SEED", "seven", "WARMFOLD_SEED is 'seven'"),
        ("WARMFOLD_REPEATS", "0", "WARMFOLD_REPEATS is '0': use an integer from 1 to 17"),
        ("WARMFOLD_REPEATS", "8", "WARMFOLD_FOLDS x WARMFOLD_REPEATS is 40: use at most 35"),
        ("WARMFOLD_ASSIGNMENT", "random", "is 'random': use stratified, grouped, time"),
        ("WARMFOLD_ASSIGNMENT", "grouped", "needs the project's group column"),
        ("WARMFOLD_FEATURE_SETS", "default,smal", "is 'smal', but project 'german-credit' has"),
        ("WARMFOLD_ASSIGNMENT", "time", "needs the project's time column"),
    ],
)
def test_a_bad_setting_is_refused_by_name(
    run_here: Run, job: Job, name: str, value: str, fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        run_here({"x.csv": "".join(LINES)}, **{name: value})
    assert outputs(job.paths) == {}


def test_a_users_mistake_ends_the_job_with_1_and_its_exit_message(job: Job) -> None:
    finished = job.run("process", **SPLIT)
    assert finished.code == 1
    assert (
        finished.reason
        == "the input 'raw' holds no .csv or .parquet file: upload the training data"
    )
    assert "Traceback" not in finished.err
    assert not job.paths.failure.exists()


def test_an_image_without_a_project_says_so(job: Job, tmp_path: Path) -> None:
    job.put(job.paths.processing_input("raw"), DATA)
    finished = Job(paths=job.paths, site=tmp_path / "nothing").run("process", **SPLIT)
    assert finished.code == 1
    assert "must hold exactly one project" in finished.reason


def test_another_command_is_answered_with_the_known_ones(job: Job) -> None:
    finished = job.run("serve")
    assert finished.code == 2
    assert "{train|process|evaluate}" in finished.err
