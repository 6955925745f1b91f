"""What the resources of an endpoint are called, for them and for policies bound to them."""

from dataclasses import dataclass

from warmfold.pipeline.spec import JobNetwork


@dataclass(frozen=True)
class AlarmNames:
    """Names of an endpoint's alarms."""

    endpoint: str

    @property
    def error_rate(self) -> str:
        return f"{self.endpoint}-error-rate"

    @property
    def latency(self) -> str:
        return f"{self.endpoint}-latency"

    @property
    def rollback(self) -> tuple[str, ...]:
        """Those that roll a deployment back."""
        return (self.error_rate, self.latency)


@dataclass(frozen=True, kw_only=True)
class ServingNames:
    """What the resources of an endpoint are called, for a policy that is bound to them.

    CloudFormation names a model and an endpoint configuration ``{logical id}-{random}``, without
    the stack's name (aws-cli, issue 4021): the logical ids therefore hold the endpoint's name.
    SageMaker's ARNs show names as written or in lower case: patterns cover both.
    """

    endpoint: str
    variant: str
    # Where the model's containers are, which the same policy is bound to.
    network: JobNetwork | None = None

    @property
    def model_id(self) -> str:
        """Logical id of the model."""
        return f"{self._words}Model"

    @property
    def shadow_model_id(self) -> str:
        """Logical id of the model that gets a copy of the requests."""
        return f"{self._words}ShadowModel"

    @property
    def shadow_variant(self) -> str:
        return f"{self.variant}-shadow"

    @property
    def configuration_id(self) -> str:
        """Logical id of the endpoint configuration."""
        return f"{self._words}Config"

    @property
    def scaler(self) -> str:
        """The function that scales the endpoint, in another stack."""
        return f"{self.endpoint}-scaling"

    @property
    def models(self) -> tuple[str, ...]:
        ids = (self.model_id, self.shadow_model_id)
        return tuple(f"{name}-*" for id in ids for name in (id, id.lower()))

    @property
    def configurations(self) -> tuple[str, ...]:
        return (f"{self.configuration_id}-*", f"{self.configuration_id.lower()}-*")

    @property
    def _words(self) -> str:
        return "".join(word.capitalize() for word in self.endpoint.split("-"))
