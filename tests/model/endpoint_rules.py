"""Endpoints in random sequences: made, updated, weighed, deleted, their fleets healthy or not."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.model.engine import Engine, until
from tests.model.looking import Looking
from tests.model.reference import Reference
from warmfold_local.sagemaker import endpoint_weights

MODULES = (endpoint_weights,)  # imported for its operation
NAMES = st.sampled_from(["a", "ab", "b"])


class EndpointRules(Looking):
    """For a machine with the model ``m``."""

    model: Reference
    engine: Engine

    @rule(name=NAMES)
    def create_config(self, name: str) -> None:
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large"}
        self.both(
            lambda: self.model.create_config(name),
            "CreateEndpointConfig",
            EndpointConfigName=name,
            ProductionVariants=[variant],
        )

    @rule(name=NAMES)
    def delete_config(self, name: str) -> None:
        self.both(
            lambda: self.model.delete_config(name), "DeleteEndpointConfig", EndpointConfigName=name
        )

    @rule(name=NAMES, config=NAMES)
    def create_endpoint(self, name: str, config: str) -> None:
        asked = {"EndpointName": name, "EndpointConfigName": config}
        self.both(lambda: self.model.create_endpoint(name, config), "CreateEndpoint", **asked)

    @rule(name=NAMES, config=NAMES, retained=st.booleans())
    def update_endpoint(self, name: str, config: str, retained: bool) -> None:
        self.both(
            lambda: self.model.update_endpoint(name, config, retained=retained),
            "UpdateEndpoint",
            EndpointName=name,
            EndpointConfigName=config,
            RetainAllVariantProperties=retained,
        )

    @rule(
        name=NAMES,
        variant=st.sampled_from(["v", "v", "v", "other"]),
        weight=st.none() | st.sampled_from([0.0, 0.5, 3.0]),
        count=st.none() | st.integers(0, 3),
    )
    def weigh(self, name: str, variant: str, weight: float | None, count: int | None) -> None:
        asked = {"DesiredWeight": weight, "DesiredInstanceCount": count}
        given = {key: value for key, value in asked.items() if value is not None}
        if self.both(
            lambda: self.model.weigh(name, variant, weight, count),
            "UpdateEndpointWeightsAndCapacities",
            EndpointName=name,
            DesiredWeightsAndCapacities=[{"VariantName": variant, **given}],
        ):
            until(lambda: self.endpoint(name)["EndpointStatus"] == "InService", f"{name} weighed")

    @precondition(
        lambda self: any(e.status in ("Creating", "Updating") for e in self.endpoints_of_model())
    )
    @rule(data=st.data(), healthy=st.booleans())
    def deploy(self, data: st.DataObject, healthy: bool) -> None:
        changing = [
            name
            for name, endpoint in sorted(self.model.endpoints.items())
            if endpoint.status in ("Creating", "Updating")
        ]
        name = data.draw(st.sampled_from(changing))
        self.model.deploy(name, healthy=healthy)
        self.engine.fleets[name] = healthy
        settled = ("InService", "Failed")
        until(lambda: self.endpoint(name)["EndpointStatus"] in settled, f"{name} settled")

    @rule(name=NAMES)
    def delete_endpoint(self, name: str) -> None:
        if self.both(lambda: self.model.delete_endpoint(name), "DeleteEndpoint", EndpointName=name):
            until(lambda: name not in self.listed_endpoints(), f"{name} is gone")

    @invariant()
    def endpoints_agree(self) -> None:
        assert self.listed_endpoints() == {n: e.status for n, e in self.model.endpoints.items()}
        for name, endpoint in self.model.endpoints.items():
            found = self.endpoint(name)
            assert ("FailureReason" in found) == endpoint.failed
            if endpoint.config is not None:
                assert found["EndpointConfigName"] == endpoint.config
                (variant,) = found["ProductionVariants"]
                for member in ("CurrentWeight", "DesiredWeight"):
                    assert variant[member] == endpoint.weight
                for member in ("CurrentInstanceCount", "DesiredInstanceCount"):
                    assert variant[member] == endpoint.count

    def endpoints_of_model(self) -> list[Any]:
        return list(self.model.endpoints.values())
