"""Which event of which AWS service touches which tables: data, read by `aws_events`.

Names are those of CloudTrail (`eventName`: the API's operation, for some services with the API's date
behind it), of EventBridge's own events (`detail-type`) and of resource types of AWS Config, all without
blanks and signs. The first pattern found in a name counts; no tables means that it touches none.
"""

from __future__ import annotations

Lines = tuple[tuple[str, str], ...]

_VPC = "ec2_vpc ec2_subnet ec2_security_group ec2_security_group_rule ec2_network_acl ec2_route_table"
_MACHINE = "ec2_instance ec2_volume ec2_network_interface"

EC2: Lines = (
    (r"^(CreateTags|DeleteTags)", f"{_VPC} {_MACHINE} ec2_snapshot ec2_image ec2_address ec2_nat_gateway"),
    (r"ReservedInstances|ScheduledInstances|CapacityReservation|CapacityBlock|Hosts|HostReservation", ""),
    (r"KeyPair|PlacementGroup|Ipam|Byoip|Insights|TrafficMirror|VerifiedAccess|ClientVpn|PrefixList", ""),
    (r"InstanceEvent|InstanceConnect|StatusCheck|FpgaImage|LocalGateway|Coip|IdFormat|SecondaryNetwork", ""),
    (r"^(RunInstances|TerminateInstances)|Fleet|Spot", f"{_MACHINE} ec2_address"),
    (r"SecurityGroup", "ec2_security_group ec2_security_group_rule"),
    (r"VpcEndpoint", "ec2_vpc_endpoint ec2_route_table ec2_network_interface"),
    (r"VpcPeering", "ec2_vpc_peering_connection"),
    (r"TransitGateway", "ec2_transit_gateway"),
    (r"VgwRoute|EgressOnly", "ec2_route_table"),
    (r"Vpn|CustomerGateway", "ec2_vpn_connection"),
    (r"InternetGateway", "ec2_internet_gateway ec2_route_table"),
    (r"NatGateway", "ec2_nat_gateway ec2_address ec2_network_interface ec2_route_table"),
    (r"FlowLog", "ec2_flow_log"),
    (r"NetworkAcl", "ec2_network_acl"),
    (r"RouteTable|Route$|RouteServer", "ec2_route_table"),
    (
        r"NetworkInterface|PrivateIpAddresses|Ipv6Addresses|TrunkInterface",
        "ec2_network_interface ec2_instance",
    ),
    (r"EbsEncryptionByDefault|EbsDefaultKmsKey", "ec2_ebs_encryption_by_default"),
    (r"SnapshotBlockPublicAccess", "ec2_snapshot_block_public_access"),
    (r"ImageBlockPublicAccess", "ec2_image_block_public_access"),
    (r"SerialConsole", "ec2_serial_console_access"),
    (r"InstanceMetadataDefaults", "ec2_instance_metadata_defaults"),
    (r"LaunchTemplate", "ec2_launch_template"),
    (r"Image", "ec2_image ec2_snapshot"),
    (r"Snapshot", "ec2_snapshot"),
    (r"Volume", "ec2_volume ec2_instance"),
    (r"Address|EIP", "ec2_address ec2_network_interface"),
    (r"Subnet", "ec2_subnet"),
    (r"^(CreateDefault|Create|Delete)Vpc$", f"{_VPC} ec2_internet_gateway"),
    (r"Vpc|DhcpOptions", "ec2_vpc"),
    (r"AvailabilityZoneGroup|IdentityOptIn", "ec2_region"),
    (r"Instance|IamInstanceProfile", "ec2_instance"),
)

_PERSON = "iam_user iam_access_key iam_mfa_device iam_virtual_mfa_device"

IAM: Lines = (
    (r"LastAccessedDetails|OrganizationsAccessReport|DelegationRequest|DelegationToken", ""),
    (r"CredentialReport", "iam_credential_report"),
    (r"MFADevice", "iam_mfa_device iam_virtual_mfa_device iam_credential_report iam_account_summary"),
    (r"AccessKey", "iam_access_key iam_credential_report iam_account_summary"),
    (r"LoginProfile|ChangePassword", "iam_user iam_credential_report"),
    (r"AccountPasswordPolicy", "iam_password_policy iam_credential_report"),
    (r"OpenIDConnectProvider|OIDC", "iam_open_id_connect_provider"),
    (r"SAMLProvider", "iam_saml_provider"),
    (r"ServerCertificate", "iam_server_certificate"),
    (r"SigningCertificate|SSHPublicKey|ServiceSpecificCredential", "iam_user iam_credential_report"),
    (r"InstanceProfile", "iam_instance_profile iam_role"),
    (r"^(Attach|Detach)", "iam_attached_policy iam_policy iam_user iam_group iam_role"),
    (r"^(Put|Delete)(User|Group|Role)Policy", "iam_inline_policy iam_user iam_group iam_role"),
    (r"PermissionsBoundary", "iam_user iam_role"),
    (r"AssumeRolePolicy", "iam_role"),
    (r"Policy", "iam_policy iam_attached_policy iam_account_summary"),
    (r"ToGroup|FromGroup", "iam_group iam_user"),
    (r"Role", "iam_role iam_attached_policy iam_inline_policy iam_account_summary"),
    (
        r"Group",
        "iam_group iam_user iam_attached_policy iam_inline_policy iam_account_summary",
    ),
    (
        r"User",
        f"{_PERSON} iam_group iam_attached_policy iam_inline_policy iam_credential_report"
        " iam_account_summary",
    ),
    (r"AccountAlias|OrganizationsRoot|OutboundWebIdentity|SecurityToken", "iam_account_summary"),
)

S3: Lines = (
    (r"AccountPublicAccessBlock", "s3_account_public_access_block"),
    (r"^(Put|Delete)PublicAccessBlock", "s3_account_public_access_block s3_bucket"),
    (r"Bucket|ObjectLockConfiguration", "s3_bucket"),
    (r"Object|Multipart|UploadPart|CreateSession|Job|StorageLens|AccessPoint|AccessGrant|MultiRegion", ""),
    (r"^(Lifecycle(Expiration|Transition)|Replication|IntelligentTiering|s3TestEvent)", ""),
)

RDS: Lines = (
    (r"Reserved|ExportTask|Recommendation|LogFile|CustomDBEngine|Integration|TenantDatabase", ""),
    (r"DBCluster(Automated)?Snapshot", "rds_db_cluster_snapshot"),
    (r"DeleteDBCluster$", "rds_db_cluster rds_db_cluster_snapshot rds_db_instance"),
    (r"DeleteDBInstance$", "rds_db_instance rds_db_snapshot rds_db_cluster"),
    (r"FromDBSnapshot|FromSnapshot", "rds_db_instance rds_db_cluster"),
    (r"DBSnapshot", "rds_db_snapshot"),
    (r"SubnetGroup", "rds_db_subnet_group"),
    (r"DBProxy|DBProxies", "rds_db_proxy"),
    (r"EventSubscription|SourceIdentifier", "rds_event_subscription"),
    (r"DBCluster|GlobalCluster|ShardGroup|HttpEndpoint", "rds_db_cluster rds_db_instance"),
    (r"DBInstance|ReadReplica|ParameterGroup|OptionGroup|DBSecurityGroup", "rds_db_instance rds_db_cluster"),
    (r"BlueGreen|ActivityStream|Certificates|PendingMaintenance", "rds_db_instance rds_db_cluster"),
)

LOAD_BALANCING: Lines = (
    (r"CapacityReservation|IpPools", ""),
    (r"LoadBalancerListener|LoadBalancerPolic|CookieStickiness|HealthCheck", "elb_load_balancer"),
    (r"(Instances|Subnets|Zones).*LoadBalancer", "elb_load_balancer"),
    (r"Listener|Rule|TrustStore", "elbv2_listener"),
    (r"TargetGroup|Targets", "elbv2_target_group"),
    (r"^(Create|Delete|Update)LoadBalancer$", "elb_load_balancer elbv2_load_balancer elbv2_listener"),
    (r"LoadBalancer", "elb_load_balancer elbv2_load_balancer"),
    (r"^Set(IpAddressType|SecurityGroups|Subnets)", "elbv2_load_balancer"),
)

BACKUP: Lines = (
    (r"RestoreTesting|ReportPlan|Framework|LegalHold|ReportJob|RestoreJob|ScanJob|Tiering|Validation", ""),
    (r"Selection", "backup_selection"),
    (r"RecoveryPoint|Job", "backup_recovery_point backup_protected_resource"),
    (r"Vault", "backup_vault"),
    (r"Plan", "backup_plan backup_selection"),
)

API_GATEWAY: Lines = (
    (r"ApiKey|UsagePlan|DomainName|BasePath|VpcLink|Documentation|ClientCertificate|Portal|ProductPage", ""),
    (r"ApiMapping|RoutingRule|UpdateAccount|Cache|UpdateUsage", ""),
    (r"RestApi", "apigateway_rest_api apigateway_stage"),
    (r"Stage|Deployment", "apigateway_stage apigatewayv2_stage"),
    (r"AccessLogSettings|RouteSettings", "apigatewayv2_stage"),
    (r"(Create|Delete|Update|Import)Api|Cors|Route", "apigatewayv2_api apigatewayv2_stage"),
)

RULES: dict[str, tuple[str, Lines]] = {
    "access-analyzer.amazonaws.com": (
        "accessanalyzer",
        (
            (r"Preview|PolicyGeneration|Recommendation", ""),
            (r"Finding|ArchiveRule|ResourceScan", "accessanalyzer_finding"),
        ),
    ),
    "account.amazonaws.com": (
        "account",
        (
            (r"Region", "account_region ec2_region"),
            (
                r"AlternateContact",
                "account_billing_contact account_operations_contact account_security_contact",
            ),
            (r"ContactInformation|Email|AccountName|PhoneNumber", ""),
        ),
    ),
    "acm.amazonaws.com": ("acm", ((r"Acme|AccountConfiguration|ExportCertificate", ""),)),
    "apigateway.amazonaws.com": ("apigateway apigatewayv2", API_GATEWAY),
    "autoscaling.amazonaws.com": (
        "autoscaling",
        (
            (r"Heartbeat|CompleteLifecycleAction", ""),
            (r"LaunchConfiguration", "autoscaling_launch_configuration"),
            (r"Group|Instance|Process|Policy|Scheduled|Capacity|WarmPool|Lifecycle", "autoscaling_group"),
        ),
    ),
    "backup.amazonaws.com": ("backup", BACKUP),
    "cloudfront.amazonaws.com": ("cloudfront", ((r"Invalidation|KeyValue|ConnectionFunction", ""),)),
    "cloudtrail.amazonaws.com": (
        "cloudtrail",
        (
            (r"EventDataStore|Federation", "cloudtrail_event_data_store"),
            (r"Query|Dashboard|Channel|Import", ""),
            (r"Trail|Logging|EventSelectors|InsightSelectors", "cloudtrail_trail"),
        ),
    ),
    "config.amazonaws.com": (
        "config",
        (
            (r"StoredQuery|RetentionConfiguration|ResourceConfig|Connector", ""),
            (r"ConformancePack", "config_conformance_pack config_rule config_rule_evaluation"),
            (r"ConfigRule|Compliance|Evaluation|Remediation", "config_rule config_rule_evaluation"),
            (r"Recorder|ResourceTypes", "config_recorder"),
            (r"DeliveryChannel|ConfigSnapshot|HistoryDelivery|SnapshotDelivery", "config_delivery_channel"),
            (r"Aggregat", "config_aggregator config_aggregator_source config_aggregate_resource"),
        ),
    ),
    "dynamodb.amazonaws.com": ("dynamodb", ((r"Item|Statement|Transact|DeleteBackup|ExportTable", ""),)),
    "ec2.amazonaws.com": ("ec2", EC2),
    "ecr.amazonaws.com": (
        "ecr",
        (
            (r"Layer|PutImage$|BatchDeleteImage|ImageScan$|ECRImageAction|PullTime|StorageClass", ""),
            (r"LifecyclePolicyPreview", ""),
            (r"Registry|Replication|PullThrough|AccountSetting|Signing|CreationTemplate", "ecr_registry"),
            (r"Repository|LifecyclePolicy|ImageScanningConfiguration|ImageTagMutability", "ecr_repository"),
        ),
    ),
    "ecs.amazonaws.com": (
        "ecs",
        (
            (r"TaskDefinition", "ecs_task_definition"),
            (r"^(Submit|Discover|RunTask|StartTask|StopTask|ExecuteCommand)|TaskState|Attributes", ""),
            (r"ContainerInstance|ContainerAgent|TaskProtection", ""),
            (r"Service|TaskSet|Deployment", "ecs_service"),
            (r"Cluster|CapacityProvider", "ecs_cluster ecs_service"),
        ),
    ),
    "eks.amazonaws.com": (
        "eks",
        (
            (r"Anywhere|InsightsRefresh|PodIdentity", ""),
            (r"Nodegroup", "eks_nodegroup"),
            (r"DeleteCluster$|CreateCluster$", "eks_cluster eks_nodegroup"),
            (r"Cluster|EncryptionConfig|IdentityProvider|Access|Addon|Fargate", "eks_cluster"),
        ),
    ),
    "elasticache.amazonaws.com": ("elasticache", ((r"Snapshot|Serverless|Reserved", ""),)),
    "elasticfilesystem.amazonaws.com": (
        "efs",
        (
            (r"AccessPoint", "efs_access_point"),
            (r"MountTarget", "efs_mount_target"),
            (r"DeleteFileSystem$", "efs_file_system efs_mount_target efs_access_point"),
            (r"FileSystem|BackupPolicy|Lifecycle|Replication", "efs_file_system"),
        ),
    ),
    "elasticloadbalancing.amazonaws.com": ("elb elbv2", LOAD_BALANCING),
    "es.amazonaws.com": ("opensearch", ((r"ESHttp|ReservedInstance|Index$|Feedback", ""),)),
    "guardduty.amazonaws.com": (
        "guardduty",
        ((r"Finding|Filter|IPSet|IntelSet|EntitySet|Investigation|CustomDetection", ""),),
    ),
    "iam.amazonaws.com": ("iam", IAM),
    "inspector2.amazonaws.com": (
        "inspector2",
        (
            (r"Finding|Filter|Sbom|Cis|CodeSecurity|Report", ""),
            (r"Coverage|Inspector2Scan", "inspector2_coverage"),
        ),
    ),
    "kinesis.amazonaws.com": ("kinesis", ((r"PutRecord|SubscribeToShard|StreamConsumer|Channel", ""),)),
    "kms.amazonaws.com": (
        "kms",
        (
            (r"crypt$|^Generate|^Sign$|^Verify|DeriveSharedSecret|Grant|CustomKeyStore", ""),
            (r"Alias", "kms_alias kms_key"),
        ),
    ),
    "lambda.amazonaws.com": (
        "lambda",
        ((r"^Invoke|LayerVersion|DurableExecution|EventSourceMapping|CapacityProvider", ""),),
    ),
    "logs.amazonaws.com": (
        "logs",
        (
            (r"LogEvents|LogStream|Query|ExportTask|ImportTask|LiveTail|Anomaly|LookupTable", ""),
            (r"MetricFilter", "logs_metric_filter logs_log_group"),
            (r"Delivery|Destination|SubscriptionFilter|Transformer|Integration|Syslog|BearerToken", ""),
            (r"DeleteLogGroup", "logs_log_group logs_metric_filter"),
            (r"LogGroup|RetentionPolicy|KmsKey|DataProtection|StorageTier|IndexPolicy", "logs_log_group"),
        ),
    ),
    "monitoring.amazonaws.com": (
        "cloudwatch",
        (
            (r"AlarmMute", ""),
            (r"Alarm", "cloudwatch_alarm cloudwatch_composite_alarm"),
            (r"MetricData|Dashboard|AnomalyDetector|InsightRule|MetricStream|OTel|Dataset|Metrics", ""),
        ),
    ),
    "organizations.amazonaws.com": (
        "organizations",
        (
            (r"Policy", "organizations_policy organizations_organization"),
            (r"DelegatedAdministrator|ServiceAccess|AllFeatures", "organizations_organization"),
            (r"ResponsibilityTransfer", ""),
            (r"Account|Handshake|OrganizationalUnit", "organizations_account organizations_policy"),
        ),
    ),
    "rds.amazonaws.com": ("rds", RDS),
    "redshift.amazonaws.com": (
        "redshift",
        (
            (r"ReservedNode|UsageLimit|Partner|ScheduledAction|Recommendation|Integration|Idc", ""),
            (r"ParameterGroup", "redshift_parameter_group redshift_cluster"),
            (r"SnapshotCopy|SnapshotSchedule|RestoreFromClusterSnapshot|RestoreTable", "redshift_cluster"),
            (r"Snapshot", "redshift_snapshot"),
            (r"DeleteCluster$", "redshift_cluster redshift_snapshot"),
            (r"Cluster|Logging|EncryptionKey|Endpoint|Aqua", "redshift_cluster"),
        ),
    ),
    "route53.amazonaws.com": ("route53", ((r"HealthCheck|Traffic|Cidr|DelegationSet", ""),)),
    "s3.amazonaws.com": ("s3 s3control", S3),
    "secretsmanager.amazonaws.com": ("secretsmanager", ()),
    "securityhub.amazonaws.com": (
        "securityhub",
        (
            (r"BatchUpdateFindings", "securityhub_finding"),
            (r"Finding|Insight|ActionTarget|Automation|Ticket|Connector|Aggregator", ""),
            (r"Standard|SecurityControl", "securityhub_standard securityhub_hub"),
        ),
    ),
    "shield.amazonaws.com": ("shield", ()),
    "sns.amazonaws.com": (
        "sns",
        (
            (r"^Publish|Endpoint|PlatformApplication|SMS|PhoneNumber", ""),
            (r"Subscri", "sns_subscription sns_topic"),
            (r"DeleteTopic|^Notification", "sns_topic sns_subscription"),
            (r"Topic|Permission|DataProtection", "sns_topic"),
        ),
    ),
    "sqs.amazonaws.com": ("sqs", ((r"Message|PurgeQueue", ""),)),
    "ssm.amazonaws.com": (
        "ssm",
        (
            # An agent's sign of life, every few minutes from every machine: the next sweep is soon enough.
            (r"UpdateInstanceInformation|UpdateInstanceAssociationStatus", ""),
            (r"Parameter", "ssm_parameter"),
            (r"Document", "ssm_document"),
            (r"Compliance", "ssm_resource_compliance"),
            (r"Association|Patch|StateManager", "ssm_resource_compliance ssm_instance"),
            (r"Inventory|ManagedInstance|Activation", "ssm_instance"),
            (r"Command|Session|Automation|OpsItem|OpsMetadata|MaintenanceWindow|Calendar|ChangeRequest", ""),
            (r"ServiceSetting|DataSync|CloudConnector|AccessRequest|ExecutionPreview", ""),
        ),
    ),
    "sso.amazonaws.com": (
        "sso-admin",
        (
            (r"PermissionSet", "sso_permission_set"),
            (r"Instance|Region", "sso_instance"),
            (r"AccountAssignment|Application|TrustedTokenIssuer|Federate|Authenticate|Logout", ""),
        ),
    ),
    "states.amazonaws.com": ("stepfunctions", ((r"Execution|SendTask|Activity|MapRun", ""),)),
    "wafv2.amazonaws.com": (
        "wafv2",
        (
            (r"IPSet|RegexPattern|RuleGroup|APIKey|MobileSdk|ManagedRuleSet|PermissionPolicy", ""),
            (r"ssociateWebACL", "wafv2_web_acl elbv2_load_balancer"),
            (r"WebACL|Logging", "wafv2_web_acl wafv2_cloudfront_web_acl"),
        ),
    ),
}
"""CloudTrail's event source → (services of our tables, lines). A name in no line touches all of them."""

SOURCES: dict[str, str] = {
    "aws.cloudwatch": "monitoring.amazonaws.com",
    "aws.efs": "elasticfilesystem.amazonaws.com",
    "aws.opensearch": "es.amazonaws.com",
    "aws.s3control": "s3.amazonaws.com",
    "aws.stepfunctions": "states.amazonaws.com",
}
"""EventBridge's own sources that are not `aws.` and the first word of CloudTrail's event source."""

CONFIG_SERVICES: dict[str, str] = {
    "accessanalyzer": "access-analyzer",
    "apigatewayv2": "apigateway",
    "cloudwatch": "monitoring",
    "efs": "elasticfilesystem",
    "elasticloadbalancingv2": "elasticloadbalancing",
    "elasticsearch": "es",
    "opensearch": "es",
    "stepfunctions": "states",
    "inspectorv2": "inspector2",
    "opensearchservice": "es",
}
"""The service in a resource type of AWS Config (`AWS::EFS::FileSystem`) → CloudTrail's word for it."""
