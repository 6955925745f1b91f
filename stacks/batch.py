"""A model's daily batch scoring."""

from aws_cdk import aws_kms as kms
from constructs import Construct

from config.names import ModelNames
from config.settings import Model, Settings
from stacks import translate
from stacks.base import PlatformStack
from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.batch_scoring import BatchScoring
from warmfold_constructs.clean_up import CleanUp, Leftovers
from warmfold_constructs.daily_batch import BatchNames, DailyBatch
from warmfold_constructs.queue import dead_letter_alarm


class BatchStack(PlatformStack):
    """Scoring pipeline and schedule."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        model: Model,
        key: kms.IKey,
        network: JobNetwork | None,
    ) -> None:
        super().__init__(scope, id, settings=settings, description=f"warmfold: {model.name}, batch")
        names = self.names.model(model.name)
        bucket = self.artifact_bucket()
        log_retention_days = settings.environment.log_retention_days
        scoring = BatchScoring(
            self,
            "Scoring",
            pipeline_name=names.scoring_pipeline,
            model_package_group=names.model_package_group,
            spec=translate.scoring_spec(model),
            bucket=bucket,
            key=key,
            log_retention_days=log_retention_days,
        )
        daily = DailyBatch(
            self,
            "Daily",
            names=_batch_names(names, network),
            daily=translate.daily(model.batch),
            bucket=bucket,
            key=key,
            log_retention_days=log_retention_days,
        )
        self._tell_of_trouble(model.name, daily)
        if settings.storage.removable:
            self._clean_up(names, key, scoring, daily)
        self._outputs(names, f"s3://{bucket.bucket_name}/{model.name}/batch")

    def _tell_of_trouble(self, model: str, daily: DailyBatch) -> None:
        unstarted = dead_letter_alarm(
            daily.dead_letters, description=f"A daily run of {model} was not started"
        )
        unscored = daily.start.trouble_alarm(f"A day of {model} was not scored")
        self.notify(unstarted, unscored)

    def _clean_up(
        self, names: ModelNames, key: kms.IKey, scoring: BatchScoring, daily: DailyBatch
    ) -> None:
        """Once no day is started any more; the pipeline's role and function are still needed."""
        clean_up = CleanUp(
            self,
            "CleanUp",
            leftovers=Leftovers(
                pipelines=[names.scoring_pipeline], model_name_prefixes=[names.batch_model_prefix]
            ),
            key=key,
            log_retention_days=self.settings.environment.log_retention_days,
        )
        clean_up.before(scoring)
        clean_up.after(daily)

    def _outputs(self, names: ModelNames, folder: str) -> None:
        self.output("ScheduleName", names.schedule, "Starts the daily run")
        self.output("ScheduleGroupName", names.schedule_group, "The schedule's group")
        self.output("ScoringPipelineName", names.scoring_pipeline, "Scores a day's input")
        self.output("BatchInputUri", f"{folder}/input/", "Put JSON Lines below day=YYYY-MM-DD/")
        self.output(
            "BatchOutputUri", f"{folder}/output/", "day=YYYY-MM-DD/manifest.json names them"
        )


def _batch_names(names: ModelNames, network: JobNetwork | None) -> BatchNames:
    return BatchNames(
        model=names.model,
        model_package_group=names.model_package_group,
        model_role=names.model_role,
        model_prefix=names.batch_model_prefix,
        scoring_pipeline=names.scoring_pipeline,
        schedule=names.schedule,
        schedule_group=names.schedule_group,
        network=network,
    )
