"""``selected_trial.json``: what the best-job Lambda decides and the final training reads."""

import json
from dataclasses import asdict, dataclass, field

from warmfold_contract.documents import json_object
from warmfold_contract.errors import UserError

FILE_NAME = "selected_trial.json"
FORMAT = 2

# Where a candidate's trials ran: in jobs of automatic model tuning, or inside one search job.
KIND_AMT = "amt"
KIND_IN_JOB = "in_job"


@dataclass(frozen=True, kw_only=True)
class SelectedTrial:
    """The winning trial over all candidates of one execution.

    ``score``, ``score_std`` and ``training_score`` are means over ``folds`` folds of ``metric``;
    ``rounds`` is the number of boosting rounds that the final model is trained with. ``job_name``
    is the candidate's tuning or search job. ``trial`` is the trial's name and
    ``training_job_name`` the job it ran in: for ``amt`` one and the same, for ``in_job`` a row of
    the search job's ``trials.json`` and the search job.
    """

    kind: str
    candidate: str
    algorithm: str
    task: str
    feature_set: str
    hyperparameters: dict[str, str]
    rounds: int
    metric: str
    score: float
    score_std: float
    training_score: float
    folds: int
    fold_hash: str
    fold_scores: tuple[float, ...]
    job_name: str
    trial: str
    training_job_name: str
    trials_completed: int
    format: int = field(default=FORMAT)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "SelectedTrial":
        """Raises ``UserError`` for no JSON object, another format or a missing member."""
        values = json_object(FILE_NAME, text)
        if values.get("format") != FORMAT:
            raise UserError(
                f"{FILE_NAME} has format {values.get('format')!r}, this image reads {FORMAT}: "
                "deploy Lambdas and images from the same commit"
            )
        try:
            return cls(**{**values, "fold_scores": tuple(values["fold_scores"])})
        except (TypeError, KeyError) as error:
            raise UserError(f"{FILE_NAME} is incomplete: {error}") from error
