"""AWS Backup: vaults, plans, what they protect."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_backup_vault",
        service="backup",
        op="ListBackupVaults",
        rows="BackupVaultList[]",
        resource="{BackupVaultArn}",
        about="Vaults, their key, lock and access policy.",
        calls=(
            Call(
                op="GetBackupVaultAccessPolicy",
                params={"BackupVaultName": "{BackupVaultName}"},
                take="Policy",
                into="policy",
                form="json",
                absent=("ResourceNotFoundException",),
                about="Resource policy: who may delete backups",
            ),
        ),
    ),
    AwsTable(
        name="aws_backup_plan",
        service="backup",
        op="ListBackupPlans",
        rows="BackupPlansList[]",
        resource="{BackupPlanArn}",
        about="Plans with their rules.",
        calls=(
            Call(
                op="GetBackupPlan",
                params={"BackupPlanId": "{BackupPlanId}"},
                take="BackupPlan",
                into="backup_plan",
                about="Rules: when, where, how long",
            ),
        ),
    ),
    AwsTable(
        name="aws_backup_selection",
        service="backup",
        op="ListBackupSelections",
        rows="BackupSelectionsList[]",
        parent="aws_backup_plan",
        params={"BackupPlanId": "{BackupPlanId}"},
        resource="arn:{partition}:backup:{region}:{account}:backup-plan:{BackupPlanId}/selection/{SelectionId}",
        about="What a plan applies to.",
    ),
    AwsTable(
        name="aws_backup_recovery_point",
        service="backup",
        op="ListRecoveryPointsByBackupVault",
        rows="RecoveryPoints[]",
        parent="aws_backup_vault",
        params={"BackupVaultName": "{BackupVaultName}"},
        resource="{RecoveryPointArn}",
        about="Backups that exist.",
    ),
    AwsTable(
        name="aws_backup_protected_resource",
        service="backup",
        op="ListProtectedResources",
        rows="Results[]",
        resource="{ResourceArn}",
        about="Resources with at least one backup.",
    ),
)
