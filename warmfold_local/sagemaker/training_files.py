"""What a training container finds under ``/opt/ml``: folders, configuration, channels."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warmfold_local.engine.container import relocate
from warmfold_local.engine.inputs import fetch
from warmfold_local.engine.s3 import download_prefix
from warmfold_local.engine.sync import FolderSync
from warmfold_local.sagemaker.job_hosts import Place, Places
from warmfold_local.sagemaker.jobs import Job

_FOLDERS = ("input/config", "input/data", "model", "output/data", "checkpoints", "code")
_GROUP = "homogeneousCluster"


def prepare_hosts(job: Job, places: Places) -> None:
    """Folders and configuration of every host. The folders must not be there yet."""
    for place in places.all:
        for name in _FOLDERS:
            (place.base_dir / name).mkdir(parents=True)
        folder, record = place.base_dir / "input" / "config", job.record
        _write(folder / "hyperparameters.json", record.get("HyperParameters", {}))
        _write(folder / "inputdataconfig.json", _input_config(record))
        _write(folder / "resourceconfig.json", _resource_config(record, place, places))


def download_channels(job: Job, places: Places) -> None:
    """Raises ``TransferError`` for a channel without data."""
    for channel in job.record.get("InputDataConfig", []):
        inside = Path("input", "data", channel["ChannelName"])
        folders = [place.base_dir / inside for place in places.all]
        for files in fetch(job.acting, channel["DataSource"]["S3DataSource"], folders):
            for path in files:
                path.chmod(0o444)


def checkpoints(job: Job, places: Places) -> list[FolderSync]:
    """Every host's checkpoints, brought in from S3, to be kept there; empty if not asked for.

    All hosts share the one prefix: which of them writes which file is the container's business.
    """
    config = job.record.get("CheckpointConfig")
    if config is None:
        return []
    uri = config["S3Uri"].rstrip("/")
    folders = []
    for place in places.all:
        folder = relocate(place.base_dir, config.get("LocalPath", "/opt/ml/checkpoints"))
        download_prefix(job.acting, f"{uri}/", folder)
        folders.append(FolderSync(cloud=job.acting, folder=folder, uri=uri, deletes=True))
        folders[-1].note_present()
    return folders


def _write(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


def _input_config(record: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Per channel what the container sees: FastFile appears as File, the location not at all."""
    config = {}
    for channel in record.get("InputDataConfig", []):
        source = channel["DataSource"]["S3DataSource"]
        entry = {
            "TrainingInputMode": "File",
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if channel.get("ContentType") is not None:
            entry["ContentType"] = channel["ContentType"]
        config[channel["ChannelName"]] = entry
    return config


def _resource_config(record: Mapping[str, Any], place: Place, places: Places) -> dict[str, Any]:
    instance_type, hosts = record["ResourceConfig"]["InstanceType"], places.names
    group = {"instance_group_name": _GROUP, "instance_type": instance_type, "hosts": hosts}
    return {
        "current_host": place.host.name,
        "current_instance_type": instance_type,
        "current_group_name": _GROUP,
        "hosts": hosts,
        "instance_groups": [group],
        "network_interface_name": "lo" if places.variables else "eth0",
    }
