"""What is kept and passed on: databases, secrets, queues, topics, streams."""

from __future__ import annotations

from typing import Any

from proofwatch.demo.account import AMERICA, HOME, SECOND, Account
from proofwatch.demo.documents import allow, policy

PUBLIC_SNAPSHOT = "analytics-before-migration"
"""The database snapshot that anybody may restore, until somebody repairs it."""


def production(account: Account) -> None:
    """Good and careless databases in three regions, secrets, queues, topics."""
    _databases(account)
    _tables(account)
    _warehouses(account)
    _secrets(account)
    _messages(account)


def staging(account: Account) -> None:
    """A database, a table, a secret, a queue and a topic, none of them careful."""
    _database(account, HOME, "staging-orders", careful=False)
    _table(account, HOME, "staging-orders", careful=False)
    account.client("secretsmanager").create_secret(Name="staging/database", SecretString="demo")
    account.client("sqs").create_queue(
        QueueName="staging-orders", Attributes={"SqsManagedSseEnabled": "false"}
    )
    account.client("sns").create_topic(Name="staging-alarms")


def _databases(account: Account) -> None:
    _database(account, HOME, "orders", careful=True)
    _database(account, HOME, "billing", careful=True)
    _database(account, SECOND, "analytics", careful=False)
    _database(account, AMERICA, "us-catalog", careful=False, public=False)
    rds = account.client("rds", SECOND)
    rds.create_db_snapshot(DBInstanceIdentifier="analytics", DBSnapshotIdentifier=PUBLIC_SNAPSHOT)
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier=PUBLIC_SNAPSHOT, AttributeName="restore", ValuesToAdd=["all"]
    )
    account.client("rds").create_db_snapshot(
        DBInstanceIdentifier="orders", DBSnapshotIdentifier="orders-before-upgrade"
    )
    account.client("rds").create_db_cluster(
        DBClusterIdentifier="robots",
        Engine="aurora-postgresql",
        MasterUsername="acme",
        MasterUserPassword="demo-password-1",
        StorageEncrypted=True,
    )


def _database(account: Account, region: str, name: str, careful: bool, public: bool | None = None) -> None:
    account.client("rds", region).create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.medium",
        Engine="postgres",
        AllocatedStorage=100,
        MasterUsername="acme",
        MasterUserPassword="demo-password-1",
        StorageEncrypted=careful,
        PubliclyAccessible=not careful if public is None else public,
        MultiAZ=careful,
        BackupRetentionPeriod=14 if careful else 0,
        DeletionProtection=careful,
        AutoMinorVersionUpgrade=careful,
        EnableIAMDatabaseAuthentication=careful,
        CopyTagsToSnapshot=careful,
        EnableCloudwatchLogsExports=["postgresql"] if careful else [],
        Tags=[{"Key": "owner", "Value": "platform"}],
    )


def _tables(account: Account) -> None:
    _table(account, HOME, "orders", careful=True)
    _table(account, HOME, "sessions", careful=False)
    _table(account, SECOND, "robot-events", careful=True)


def _table(account: Account, region: str, name: str, careful: bool) -> None:
    client = account.client("dynamodb", region)
    more: dict[str, Any] = {"SSESpecification": {"Enabled": True, "SSEType": "KMS"}} if careful else {}
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=careful,
        **more,
    )
    if careful:
        client.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )


def _warehouses(account: Account) -> None:
    account.client("redshift", SECOND).create_cluster(
        ClusterIdentifier="warehouse",
        NodeType="ra3.xlplus",
        MasterUsername="acme",
        MasterUserPassword="Demo-password-1",
        Encrypted=False,
        PubliclyAccessible=True,
    )
    account.client("elasticache").create_replication_group(
        ReplicationGroupId="sessions",
        ReplicationGroupDescription="sessions of the shop",
        AtRestEncryptionEnabled=True,
        TransitEncryptionEnabled=True,
        SnapshotRetentionLimit=7,
    )
    account.client("opensearch").create_domain(
        DomainName="robot-logs",
        EncryptionAtRestOptions={"Enabled": True},
        NodeToNodeEncryptionOptions={"Enabled": False},
        DomainEndpointOptions={"EnforceHTTPS": False},
    )


def _secrets(account: Account) -> None:
    client = account.client("secretsmanager")
    made = client.create_secret(Name="orders/database", SecretString="demo", KmsKeyId="alias/acme-data")
    client.rotate_secret(
        SecretId=made["ARN"],
        RotationLambdaARN=f"arn:aws:lambda:{HOME}:{account.id}:function:orders-webhook",
        RotationRules={"AutomaticallyAfterDays": 30},
    )
    client.create_secret(Name="partners/api-key", SecretString="demo")
    account.client("secretsmanager", SECOND).create_secret(Name="analytics/warehouse", SecretString="demo")


def _messages(account: Account) -> None:
    sqs = account.client("sqs")
    key = {"KmsMasterKeyId": "alias/acme-data"}
    sqs.create_queue(QueueName="orders", Attributes=key)
    sqs.create_queue(QueueName="robot-telemetry", Attributes={"SqsManagedSseEnabled": "false"})
    everyone = policy(
        allow("sqs:SendMessage", f"arn:aws:sqs:{SECOND}:{account.id}:partner-inbox", {"AWS": "*"})
    )
    account.client("sqs", SECOND).create_queue(QueueName="partner-inbox", Attributes={"Policy": everyone})
    sns = account.client("sns")
    sns.create_topic(Name="orders", Attributes=key)
    news = sns.create_topic(Name="press-releases")["TopicArn"]
    sns.set_topic_attributes(
        TopicArn=news,
        AttributeName="Policy",
        AttributeValue=policy(allow("sns:Subscribe", news, {"AWS": "*"})),
    )
    account.client("kinesis").create_stream(StreamName="robot-telemetry", ShardCount=1)
