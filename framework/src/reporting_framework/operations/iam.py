"""AWS permissions that a report's plugins and metadata need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reporting_framework.execution.plugin_building import plugin_refs, settings_of
from reporting_framework.execution.plugin_errors import Owner, call
from reporting_framework.plugin_api.base import Permission, supports

if TYPE_CHECKING:
    from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
    from reporting_framework.registry.registry import Registry


_READING = ("Get", "List", "Describe", "Decrypt", "BatchGet", "Query", "Scan")
"""Beginnings of the names of actions that only read."""


def permissions_of(
    report: str, composition: PipelineSpec, registry: Registry
) -> list[Permission]:
    """Return the permissions that the plugins of a pipeline declare, each once.

    They are in pipeline order, then those of the setting `metadata`, then those to read
    the tables of other reports that checks name.

    Raises:
        PluginError: A plugin is unknown, broken or blocked.
        SettingsError: The settings of a plugin are wrong.
        StepFailed: A plugin raised an error of its own.
    """
    permissions = _of_plugins(report, plugin_refs(composition), registry)
    if composition.metadata is not None:
        from reporting_framework.metadata.store import permissions_of as of_metadata
        from reporting_framework.plugin_api.metadata import MetadataLocation

        location = MetadataLocation(composition.metadata, report)
        permissions += [
            permission
            for permission in of_metadata(location)
            if permission not in permissions
        ]
    for name, other in composition.references.items():
        declared = _of_plugins(name, _needed_to_read(other, registry), registry)
        for permission in map(_to_read, declared):
            if permission.actions and permission not in permissions:
                permissions.append(permission)
    return permissions


def _of_plugins(
    report: str, refs: Sequence[tuple[str, PluginRef]], registry: Registry
) -> list[Permission]:
    permissions: list[Permission] = []
    for role, use in refs:
        plugin = registry.find(role, use.name)
        if not supports(plugin, "aws_permissions"):
            continue
        settings = settings_of(report, role, use, plugin)
        declared = call(Owner(report, role, use.name), plugin.aws_permissions, settings)
        permissions += [
            permission for permission in declared if permission not in permissions
        ]
    return permissions


def _needed_to_read(
    composition: PipelineSpec, registry: Registry
) -> list[tuple[str, PluginRef]]:
    """Return the plugins that are needed to read a report's table.

    The source is one of them if its columns are those of the table.
    """
    validator = registry.find("validator", composition.validator.name)
    sinks = [
        use
        for use in composition.sinks
        if supports(registry.find("sink", use.name), "scan")
    ]
    bound = [("source", composition.source)] if supports(validator, "bind") else []
    return [*bound, *(("sink", use) for use in sinks[:1])]


def _to_read(permission: Permission) -> Permission:
    """Return a permission without the actions that write."""
    reading = [
        action
        for action in permission.actions
        if action.partition(":")[2].startswith(_READING)
    ]
    return permission._replace(actions=tuple(reading))


def policy_of(
    permissions: Sequence[Permission],
    *,
    partition: str = "aws",
    region: str = "*",
    account: str = "*",
) -> dict[str, Any]:
    """Return an IAM policy that allows these permissions and nothing else.

    Args:
        permissions: Result of `permissions_of`, for the partition ``aws``.
        partition: ``aws``, ``aws-us-gov``, ``aws-cn``, …
        region: Replaces ``*`` as the region of ARNs.
        account: Replaces ``*`` as the account number of ARNs.
    """
    statements: list[dict[str, Any]] = []
    for actions, resource, conditions in permissions:
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": [_placed(resource, partition, region, account)],
        }
        if conditions:
            statement["Condition"] = {
                operator: {key: list(values) for key, values in keys.items()}
                for operator, keys in conditions.items()
            }
        statements.append(statement)
    return {"Version": "2012-10-17", "Statement": statements}


def _placed(resource: str, partition: str, region: str, account: str) -> str:
    """Fill in the partition, region and account of an ARN.

    A bucket's ARN has no region and no account.
    """
    head, _, service, its_region, its_account, name = resource.split(":", 5)
    filled = (
        region if its_region == "*" else its_region,
        account if its_account == "*" else its_account,
    )
    return ":".join((head, partition, service, *filled, name))
