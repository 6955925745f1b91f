"""Features to the model's matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.schema import Feature
from warmfold_features import encode, infer_features

TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1)


def texts(*values: str | None) -> NDArray[np.object_]:
    return np.array([*values, None], dtype=object)[:-1]


@given(TEXTS)
def test_every_level_seen_in_training_has_its_own_code(values: list[str | None]) -> None:
    column = texts(*values)
    (feature,) = infer_features({"purpose": column})
    codes = encode({"purpose": column}, [feature])[:, 0]
    assert list(feature.levels) == sorted(set(feature.levels))
    for value, code in zip(values, codes.tolist(), strict=True):
        assert np.isnan(code) if value is None else feature.levels[int(code)] == value


def test_an_unseen_or_missing_category_is_nan() -> None:
    feature = Feature("purpose", "category", ("car", "home"))
    codes = encode({"purpose": texts("home", "boat", None)}, [feature])
    np.testing.assert_array_equal(codes, [[1.0], [np.nan], [np.nan]])


def test_the_matrix_is_float32_in_schema_order() -> None:
    columns = {"b": np.array([1.5, np.nan]), "a": texts("x", "y"), "c": np.array([1, 2])}
    features = infer_features(columns)
    assert [(feature.name, feature.kind) for feature in features] == [
        ("b", "number"),
        ("a", "category"),
        ("c", "number"),
    ]
    matrix = encode(dict(reversed(columns.items())), features)
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    np.testing.assert_array_equal(matrix, [[1.5, 0, 1], [np.nan, 1, 2]])


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e300])
def test_an_infinite_feature_names_feature_and_row(bad: float) -> None:
    with pytest.raises(UserError, match=r"feature 'ratio' is infinite.* in 1 of 2 rows.* row 2"):
        encode({"ratio": np.array([1.0, bad])}, [Feature("ratio", "number")])


def test_an_absent_feature_is_named() -> None:
    with pytest.raises(UserError, match="made no 'ratio'"):
        encode({"other": np.array([1.0])}, [Feature("ratio", "number")])


def test_a_feature_of_the_other_kind_is_refused() -> None:
    with pytest.raises(UserError, match=r"'ratio' is a number in the schema.* made text"):
        encode({"ratio": texts("x")}, [Feature("ratio", "number")])


def test_a_category_of_mixed_kinds_is_refused() -> None:
    with pytest.raises(UserError, match=r"feature 'purpose', row 2: .* found float"):
        infer_features({"purpose": np.array(["car", 1.5], dtype=object)})
