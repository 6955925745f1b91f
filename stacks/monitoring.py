"""What an environment tells its people: alerts, a budget, and a dashboard for each model."""

from constructs import Construct

from config.names import VARIANT
from config.settings import Model, Settings
from stacks.base import PlatformStack
from warmfold.pipeline.names import SEARCH_PREFIX, TUNE_PREFIX
from warmfold_constructs.alerts import Alerts
from warmfold_constructs.budget import MonthlyBudget
from warmfold_constructs.model_dashboard import ModelDashboard, Watched


class MonitoringStack(PlatformStack):
    """Everything here knows the rest by name: it is deployed first, and alarms find their topic."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id, settings=settings, description="warmfold: alerts, dashboards")
        addresses = settings.alerts.email_addresses
        alerts = Alerts(
            self, "Alerts", topic_name=self.names.alerts_topic, email_addresses=addresses
        )
        alerts.on_failed_pipelines(f"{self.names.prefix}-")
        if settings.alerts.monthly_budget_usd > 0:
            MonthlyBudget(
                self,
                "Budget",
                name=self.names.budget,
                amount_usd=settings.alerts.monthly_budget_usd,
                email_addresses=addresses,
            )
        for model in settings.models:
            self._dashboard(model)
        self.output("AlertsTopicArn", alerts.topic.topic_arn, "Subscribe to it to be told")

    def _dashboard(self, model: Model) -> None:
        names = self.names.model(model.name)
        prefix = TUNE_PREFIX if model.tuning.engine == "amt" else SEARCH_PREFIX
        ModelDashboard(
            self,
            f"Dashboard-{model.name}",
            name=names.dashboard,
            watched=Watched(
                model_package_group=names.model_package_group,
                training_pipeline=names.training_pipeline,
                scoring_pipeline=names.scoring_pipeline,
                search_steps=[f"{prefix}{candidate.name}" for candidate in model.candidates],
                folds_are_jobs=model.cross_validation.strategy == "fan_out",
                endpoint=names.endpoint,
                variant=VARIANT,
            ),
        )
