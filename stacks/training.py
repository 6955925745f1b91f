"""A model's training: roles, registry, the best-trial function and the pipeline."""

from typing import Any

from aws_cdk import aws_kms as kms
from constructs import Construct

from config.names import ModelNames
from config.settings import Model, Settings
from stacks import sharing, translate
from stacks.base import PlatformStack
from warmfold.pipeline.spec import JobNetwork, Refs
from warmfold.pipeline.training import training_pipeline
from warmfold_constructs.best_training_job import BestTrainingJob
from warmfold_constructs.clean_up import CleanUp, Leftovers
from warmfold_constructs.fold_sweeper import FoldSweeper
from warmfold_constructs.model_registry import ModelRegistry, grant_register
from warmfold_constructs.serving_names import AlarmNames
from warmfold_constructs.shared_packages import share_group
from warmfold_constructs.training_pipeline import Pipeline, PipelineRole
from warmfold_constructs.training_roles import TrainingRoles


class TrainingStack(PlatformStack):
    """Everything that an execution of the training pipeline needs."""

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
        description = f"warmfold: {model.name}, training"
        super().__init__(scope, id, settings=settings, description=description)
        self._model, self._key, self._network = model, key, network
        self._bucket = self.artifact_bucket()
        names = self.names.model(model.name)
        self._trainer = translate.image(self, "trainer", model)
        self._server = translate.image(self, "server", model)
        self._spec = translate.pipeline_spec(model)
        self._roles = self._training_roles(names)
        self._registry = ModelRegistry(
            self,
            "Registry",
            name=names.model_package_group,
            description=f"Versions of {model.name}",
            removable=settings.storage.removable,
        )
        share_group(self._registry, sharing.readers(settings, model.name))
        self._best = self._best_training_job()
        pipeline = self._pipeline(names.training_pipeline)
        self._look_after_folds(names)
        if settings.storage.removable:
            self._clean_up(names, pipeline)
        self._outputs(names)

    def _clean_up(self, names: ModelNames, pipeline: Pipeline) -> None:
        """While the roles of what is stopped are still there; nothing is deployed any more."""
        clean_up = CleanUp(
            self,
            "CleanUp",
            leftovers=Leftovers(
                pipelines=[names.training_pipeline],
                executions_make_models=True,
                model_package_groups=[names.model_package_group],
                log_groups=[names.endpoint_log_group],
            ),
            key=self._key,
            log_retention_days=self.settings.environment.log_retention_days,
        )
        clean_up.before(pipeline, self._registry, self._roles, self._best)

    def _look_after_folds(self, names: ModelNames) -> None:
        """There are fold jobs only if trials start them."""
        if self._roles.fold is None:
            return
        sweeper = FoldSweeper(
            self,
            "FoldSweeper",
            model_package_group=names.model_package_group,
            fold_role_name=self._roles.fold.role.role_name,
            key=self._key,
            log_retention_days=self.settings.environment.log_retention_days,
        )
        self.notify(sweeper.alarm)
        self._best.allow_counting_folds()

    def _best_training_job(self) -> BestTrainingJob:
        run = f"{self._model.name}/executions/*/"
        archives = [f"{run}{name}/" for name in ("tuning", "final")]
        if self._model.upstream is not None:
            archives.append(sharing.imported_prefix(self._model))
        return BestTrainingJob(
            self,
            "BestTrainingJob",
            bucket=self._bucket,
            archives=archives,
            written=[f"{run}{name}/" for name in ("selection", "champion")],
            registry=self._registry,
            key=self._key,
            log_retention_days=self.settings.environment.log_retention_days,
        )

    def _outputs(self, names: ModelNames) -> None:
        folder = f"s3://{self._bucket.bucket_name}/{self._model.name}"
        self.output("PipelineName", names.training_pipeline, "Start it to train")
        self.output("RawDataUri", f"{folder}/raw/", "Where training data belongs")
        self.output("RunDataUri", f"{folder}/raw-runs/", "Data of single runs, a folder each")
        self.output("ModelPackageGroupName", names.model_package_group, "Where to approve a model")

    def _training_roles(self, names: ModelNames) -> TrainingRoles:
        roles = TrainingRoles(
            self,
            "Roles",
            model=self._model.name,
            model_role_name=names.model_role,
            trainer=self._trainer,
            server=self._server,
            bucket=self._bucket,
            key=self._key,
        )
        roles.model.grant_alarms(AlarmNames(names.endpoint).rollback)
        if self._model.upstream is not None:
            roles.model.grant_objects(self._bucket, read=[sharing.imported_prefix(self._model)])
        if self._model.serving.data_capture.sampled_percent:
            roles.allow_data_capture()
        if self._network is not None:
            roles.enter_network(self._network)
        limits = translate.fold_limits(self._model)
        if limits is not None:
            roles.allow_fan_out(limits)
        if self._spec.shares_scores:
            roles.allow_shared_scores()
        if self._spec.engine == "in_job":
            roles.allow_checkpoints()
        return roles

    def _refs(self) -> Refs:
        return Refs(
            trainer_image=self._trainer.uri,
            server_image=self._server.uri,
            processing_role_arn=self._roles.processing.arn,
            trial_role_arn=self._roles.trial.arn,
            fold_role_arn=None if self._roles.fold is None else self._roles.fold.arn,
            final_training_role_arn=self._roles.final.arn,
            model_role_arn=self._roles.model.arn,
            kms_key_arn=self._key.key_arn,
            bucket_name=self._bucket.bucket_name,
            best_training_job_function_arn=self._best.function.arn,
            model_package_group_name=self._registry.group_name,
            network=self._network,
        )

    def _pipeline(self, name: str) -> Pipeline:
        definition = training_pipeline(self._spec, self._refs())
        return Pipeline(
            self,
            "Pipeline",
            name=name,
            description=f"Training of {self._model.name}",
            definition=definition,
            role=self._pipeline_role(name, definition),
        )

    def _pipeline_role(self, pipeline: str, definition: dict[str, Any]) -> PipelineRole:
        name, roles = self._model.name, self._roles
        role = PipelineRole(
            self,
            "PipelineRole",
            pipeline=pipeline,
            description=f"Pipelines, training of {name}",
            network=self._network,
        )
        role.grant_jobs(definition, self._key)
        role.grant_models()
        role.grant_passing(
            [roles.processing.arn, roles.trial.arn, roles.final.arn, roles.model.arn]
        )
        role.grant_results(self._bucket, f"{name}/executions/*/evaluation/", self._key)
        self._best.function.grant_invoke(role.role)
        grant_register(role.role, self._registry.group_name)
        return role
