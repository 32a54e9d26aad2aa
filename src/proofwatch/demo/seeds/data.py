"""What is kept and passed on: databases, secrets, queues, topics, streams."""

from __future__ import annotations

from typing import Any

from proofwatch.demo.account import AMERICA, HOME, SECOND, Account
from proofwatch.demo.documents import allow, policy
from proofwatch.demo.seeds.storage import KEY

PUBLIC_SNAPSHOT = "analytics-before-migration"
"""The database snapshot that anybody may restore, until somebody repairs it."""
ENCRYPTED = {"KmsMasterKeyId": KEY}


def production(account: Account) -> None:
    """Good and careless databases in three regions, secrets, queues, topics."""
    _databases(account)
    _tables(account)
    _warehouses(account)
    _secrets(account)
    _messages(account)


def staging(account: Account) -> None:
    """A database, a table, a secret, a queue and a topic, none of them careful."""
    kept = account.kept
    _database(account, HOME, "staging-orders", careful=kept)
    _table(account, HOME, "staging-orders", careful=kept)
    _secret(account, HOME, "staging/database", "staging-webhook")
    open_to_look = {"SqsManagedSseEnabled": "false"}
    account.client("sqs").create_queue(
        QueueName="staging-orders", Attributes=ENCRYPTED if kept else open_to_look
    )
    account.client("sns").create_topic(Name="staging-alarms", Attributes=ENCRYPTED if kept else {})


def _databases(account: Account) -> None:
    _database(account, HOME, "orders", careful=True)
    _database(account, HOME, "billing", careful=True)
    _database(account, SECOND, "analytics", careful=account.kept)
    _database(account, AMERICA, "us-catalog", careful=account.kept, public=False)
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
    _table(account, HOME, "sessions", careful=account.kept)
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
    if not account.kept:  # moto holds no parameter of a warehouse, so it cannot ask for TLS.
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
        SnapshotRetentionLimit=35 if account.kept else 7,
    )
    if not account.kept:  # moto places no search domain in a network.
        account.client("opensearch").create_domain(
            DomainName="robot-logs",
            EncryptionAtRestOptions={"Enabled": True},
            NodeToNodeEncryptionOptions={"Enabled": False},
            DomainEndpointOptions={"EnforceHTTPS": False},
        )


def _secrets(account: Account) -> None:
    _secret(account, HOME, "orders/database", "orders-webhook", rotated=True)
    _secret(account, HOME, "partners/api-key", "orders-webhook")
    _secret(account, SECOND, "analytics/warehouse", "warehouse-password")


def _secret(account: Account, region: str, name: str, rotated_by: str, rotated: bool = False) -> None:
    client = account.client("secretsmanager", region)
    if not rotated and not account.kept:
        client.create_secret(Name=name, SecretString="demo")
        return
    made = client.create_secret(Name=name, SecretString="demo", KmsKeyId=KEY)
    client.rotate_secret(
        SecretId=made["ARN"],
        RotationLambdaARN=f"arn:aws:lambda:{region}:{account.id}:function:{rotated_by}",
        RotationRules={"AutomaticallyAfterDays": 30},
    )


def _messages(account: Account) -> None:
    sqs = account.client("sqs")
    plain = {"SqsManagedSseEnabled": "false"}
    sqs.create_queue(QueueName="orders", Attributes=ENCRYPTED)
    sqs.create_queue(QueueName="robot-telemetry", Attributes=ENCRYPTED if account.kept else plain)
    everyone = policy(
        allow("sqs:SendMessage", f"arn:aws:sqs:{SECOND}:{account.id}:partner-inbox", {"AWS": "*"})
    )
    account.client("sqs", SECOND).create_queue(
        QueueName="partner-inbox", Attributes=ENCRYPTED if account.kept else {"Policy": everyone}
    )
    sns = account.client("sns")
    sns.create_topic(Name="orders", Attributes=ENCRYPTED)
    news = sns.create_topic(Name="press-releases", Attributes=ENCRYPTED if account.kept else {})["TopicArn"]
    if not account.kept:
        sns.set_topic_attributes(
            TopicArn=news,
            AttributeName="Policy",
            AttributeValue=policy(allow("sns:Subscribe", news, {"AWS": "*"})),
        )
    account.client("kinesis").create_stream(StreamName="robot-telemetry", ShardCount=1)
