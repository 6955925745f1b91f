"""A cloud without a server: tables and a lock."""

from pathlib import Path

from warmfold_local.cloud import Cloud, Settings


def bare_cloud() -> Cloud:
    folder = Path("/nowhere")
    settings = Settings(
        account="000000000000",
        region="us-east-1",
        port=1,
        secret="secret",
        state_dir=folder,
        images_dir=folder,
    )
    return Cloud(settings, lambda **_: None)
