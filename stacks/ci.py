"""How GitHub Actions reaches the account: deployed once by hand, and by CI from then on."""

from constructs import Construct

from config.settings import Settings
from stacks.base import PlatformStack
from warmfold_constructs.github_roles import GitHubRoles


class CiStack(PlatformStack):
    """The roles of the workflows in ``.github/workflows``, which name them by ``config.names``."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id, settings=settings, description="warmfold: roles of CI")
        roles = GitHubRoles(
            self,
            "GitHub",
            repository=settings.ci.repository,
            environment=settings.name,
            creates_provider=settings.ci.creates_oidc_provider,
            deploy_role_name=self.names.ci_deploy_role,
            diff_role_name=self.names.ci_diff_role,
        )
        roles.allow_deployment(settings.environment.bootstrap_qualifier)
        roles.allow_push([self.names.trainer_repository, self.names.server_repository])
        roles.allow_reading_templates(self.names.prefix)
