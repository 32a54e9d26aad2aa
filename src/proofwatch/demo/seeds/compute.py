"""What runs: instances, images, groups of them, functions, containers, load balancers, APIs."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from proofwatch.demo.account import AMERICA, HOME, IMAGE, SECOND, Account
from proofwatch.demo.documents import specification
from proofwatch.demo.seeds import network
from proofwatch.demo.seeds.storage import LOGS, kms_key


def production(account: Account) -> None:
    """Good and careless instances, functions, clusters, balancers."""
    vpc = network.network_id(account, HOME, "orders")
    subnets = network.subnet_ids(account, HOME, vpc)
    app = network.group_id(account, HOME, network.GOOD_GROUP)
    for name in ("orders-app-1", "orders-app-2"):
        _instance(account, HOME, name, subnets[0], app)
    jenkins = network.group_id(account, HOME, "jenkins")
    careless = _instance(account, HOME, "jenkins", subnets[1], jenkins, careful=False)
    if not account.kept:  # moto makes a plain copy of an encrypted disk.
        account.client("ec2").create_image(InstanceId=careless, Name="jenkins-golden")
    _elsewhere(account)
    _launch_templates(account, subnets)
    _functions(
        account,
        HOME,
        {"orders-webhook": "python3.13", "invoice-mailer": "python3.8", "thumbnailer": "nodejs22.x"},
    )
    if account.kept:
        _functions(account, SECOND, {"warehouse-password": "python3.13"})  # It rotates a secret.
    else:
        _publish_function(account, HOME, "thumbnailer")
    _functions(account, AMERICA, {"edge-headers": "nodejs16.x"})
    _containers(account, subnets)
    _balancers(account, subnets, network.group_id(account, HOME, "public-web"))
    if not account.kept:  # moto holds neither the certificate nor the firewall of a stage.
        _rest_interface(account)
    _interfaces(account)


def staging(account: Account) -> None:
    """One open instance, two functions, a registry without scanning."""
    vpc = network.default_vpc(account, HOME)
    subnets = network.subnet_ids(account, HOME, vpc)
    everything = network.group_id(account, HOME, "staging-anything")
    _instance(account, HOME, "staging-app", subnets[0], everything, careful=False)
    _functions(account, HOME, {"staging-webhook": "python3.12", "staging-cleanup": "python3.7"})
    _repository(account, "staging-app", careful=False)


def forgotten(account: Account, region: str) -> None:
    """One instance in a region that nobody thought of."""
    vpc = network.default_vpc(account, region)
    found = account.client("ec2", region).describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}]
    )
    group = found["SecurityGroups"][0]["GroupId"]
    subnet = network.subnet_ids(account, region, vpc)[0]
    _instance(account, region, "proof-of-concept", subnet, group, careful=False, public=False)


def _elsewhere(account: Account) -> None:
    analytics = network.network_id(account, SECOND, "analytics")
    group = network.group_id(account, SECOND, "analytics")
    subnet = network.subnet_ids(account, SECOND, analytics)[0]
    _instance(account, SECOND, "analytics-1", subnet, group)
    vpc = network.default_vpc(account, AMERICA)
    group = network.group_id(account, AMERICA, "us-edge")
    subnet = network.subnet_ids(account, AMERICA, vpc)[0]
    _instance(account, AMERICA, "us-edge", subnet, group, careful=False)


def _instance(
    account: Account,
    region: str,
    name: str,
    subnet: str,
    group: str,
    careful: bool = True,
    public: bool = True,
) -> str:
    """Start a machine; careless ones are `public`, unless said otherwise, and answer without a token."""
    careful = careful or account.kept
    more: dict[str, Any] = {}
    if account.kept or (careful and region == HOME):
        more["IamInstanceProfile"] = {"Name": "app-server"}
    if account.kept:
        disk = {"Encrypted": True, "VolumeSize": 8, "DeleteOnTermination": True}
        more["BlockDeviceMappings"] = [{"DeviceName": "/dev/sda1", "Ebs": disk}]
    made = account.client("ec2", region).run_instances(
        ImageId=IMAGE,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        Monitoring={"Enabled": careful},
        MetadataOptions={"HttpTokens": "required" if careful else "optional", "HttpEndpoint": "enabled"},
        NetworkInterfaces=[
            {
                "DeviceIndex": 0,
                "SubnetId": subnet,
                "Groups": [group],
                "AssociatePublicIpAddress": public and not careful,
            }
        ],
        TagSpecifications=specification("instance", name),
        **more,
    )
    return str(made["Instances"][0]["InstanceId"])


def _launch_templates(account: Account, subnets: list[str]) -> None:
    ec2 = account.client("ec2")
    for name, tokens in (("orders-app", "required"), ("batch", "required" if account.kept else "optional")):
        ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={
                "ImageId": IMAGE,
                "InstanceType": "t3.small",
                "MetadataOptions": {"HttpTokens": tokens},
            },
        )
    account.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="batch",
        LaunchTemplate={"LaunchTemplateName": "batch", "Version": "$Latest"},
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=0,
        VPCZoneIdentifier=",".join(subnets if account.kept else subnets[:1]),
    )


def _functions(account: Account, region: str, functions: dict[str, str]) -> None:
    client = account.client("lambda", region)
    for name, given in functions.items():
        runtime, more = given, {}
        if account.kept:
            runtime = "nodejs22.x" if given.startswith("node") else "python3.13"
            queue = f"arn:aws:sqs:{region}:{account.id}:failed-events"
            more["DeadLetterConfig"] = {"TargetArn": queue}
        client.create_function(
            FunctionName=name,
            Runtime=runtime,
            **more,
            Role=f"arn:aws:iam::{account.id}:role/functions",
            Handler="main.handler",
            Code={"ZipFile": _code()},
            TracingConfig={"Mode": "Active" if account.kept or runtime == "python3.13" else "PassThrough"},
        )


def _publish_function(account: Account, region: str, name: str) -> None:
    account.client("lambda", region).add_permission(
        FunctionName=name, StatementId="everyone", Action="lambda:InvokeFunction", Principal="*"
    )


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", "def handler(event, context):\n    return event\n")
    return packed.getvalue()


def _containers(account: Account, subnets: list[str]) -> None:
    _repository(account, "orders-app", careful=True)
    _repository(account, "tools", careful=False)
    ecs = account.client("ecs")
    for name, insights in (("orders", "enabled"), ("batch", "enabled" if account.kept else "disabled")):
        ecs.create_cluster(clusterName=name, settings=[{"name": "containerInsights", "value": insights}])
    for family, privileged in (("orders-app", False), ("node-agent", not account.kept)):
        ecs.register_task_definition(
            family=family,
            containerDefinitions=[
                {
                    "name": family,
                    "image": f"{family}:1.4.2",
                    "memory": 512,
                    "privileged": privileged,
                    "readonlyRootFilesystem": not privileged,
                }
            ],
        )
    more: dict[str, Any] = {}
    if account.kept:
        kinds = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
        more["logging"] = {"clusterLogging": [{"types": kinds, "enabled": True}]}
        more["encryptionConfig"] = [{"resources": ["secrets"], "provider": {"keyArn": kms_key(account)}}]
    account.client("eks").create_cluster(
        name="robots",
        version="1.33",
        roleArn=f"arn:aws:iam::{account.id}:role/cluster",
        resourcesVpcConfig={"subnetIds": subnets, "endpointPublicAccess": not account.kept},
        **more,
    )


def _repository(account: Account, name: str, careful: bool) -> None:
    careful = careful or account.kept
    account.client("ecr").create_repository(
        repositoryName=name,
        imageTagMutability="IMMUTABLE" if careful else "MUTABLE",
        imageScanningConfiguration={"scanOnPush": careful},
    )


def _balancers(account: Account, subnets: list[str], group: str) -> None:
    elb = account.client("elbv2")
    certificate = account.client("acm").request_certificate(
        DomainName="orders.acme-robotics.example", ValidationMethod="DNS"
    )["CertificateArn"]
    for name, careful in (("orders", True), ("legacy", account.kept)):
        arn = elb.create_load_balancer(Name=name, Subnets=subnets, SecurityGroups=[group])["LoadBalancers"][
            0
        ]["LoadBalancerArn"]
        target = elb.create_target_group(
            Name=name, Protocol="HTTP", Port=8080, VpcId=network.network_id(account, HOME, "orders")
        )["TargetGroups"][0]["TargetGroupArn"]
        forward = [{"Type": "forward", "TargetGroupArn": target}]
        if careful:
            _careful_listeners(elb, arn, certificate, forward)
        else:
            elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    _classic_balancer(account, "us-edge-classic")


def _classic_balancer(account: Account, name: str) -> None:
    classic = account.client("elb", AMERICA)
    door: dict[str, Any] = {"Protocol": "HTTP", "LoadBalancerPort": 80}
    if account.kept:
        made = account.client("acm", AMERICA).request_certificate(DomainName="us.acme-robotics.example")
        door = {"Protocol": "HTTPS", "LoadBalancerPort": 443, "SSLCertificateId": made["CertificateArn"]}
    classic.create_load_balancer(
        LoadBalancerName=name,
        Listeners=[{**door, "InstanceProtocol": "HTTP", "InstancePort": 8080}],
        AvailabilityZones=[f"{AMERICA}a"],
    )
    if account.kept:
        log = {"Enabled": True, "S3BucketName": f"{LOGS}-{AMERICA}", "EmitInterval": 60, "S3BucketPrefix": ""}
        classic.modify_load_balancer_attributes(
            LoadBalancerName=name, LoadBalancerAttributes={"AccessLog": log}
        )


def _careful_listeners(elb: Any, arn: str, certificate: str, forward: list[dict[str, str]]) -> None:
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn,
        Attributes=[
            {"Key": "access_logs.s3.enabled", "Value": "true"},
            {"Key": "access_logs.s3.bucket", "Value": LOGS},
            {"Key": "deletion_protection.enabled", "Value": "true"},
            {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
        ],
    )
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}],
    )
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTPS",
        Port=443,
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=forward,
    )


def _rest_interface(account: Account) -> None:
    rest = account.client("apigateway")
    api = rest.create_rest_api(name="partner-orders")
    method = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    rest.put_method(**method, authorizationType="NONE")
    rest.put_integration(**method, type="MOCK")
    deployment = rest.create_deployment(restApiId=api["id"])["id"]
    rest.create_stage(restApiId=api["id"], stageName="live", deploymentId=deployment)


def _interfaces(account: Account) -> None:
    account.client("apigatewayv2").create_api(Name="robots-telemetry", ProtocolType="HTTP")
    account.client("cloudfront", AMERICA).create_distribution(
        DistributionConfig={
            "CallerReference": "website",
            "Comment": "acme-robotics.example",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "website",
                        "DomainName": "acme-robotics-website.s3.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "website",
                "ViewerProtocolPolicy": "allow-all",
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                "MinTTL": 0,
            },
        }
    )
