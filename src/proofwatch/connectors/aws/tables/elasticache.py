"""ElastiCache: Redis, Valkey and Memcached."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_elasticache_replication_group",
        service="elasticache",
        op="DescribeReplicationGroups",
        rows="ReplicationGroups[]",
        resource="{ARN}",
        about="Replicated caches, their encryption and backups.",
    ),
    AwsTable(
        name="aws_elasticache_cache_cluster",
        service="elasticache",
        op="DescribeCacheClusters",
        rows="CacheClusters[]",
        resource="{ARN}",
        about="Single caches and members of replicated ones.",
    ),
)
