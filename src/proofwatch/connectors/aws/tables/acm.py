"""Certificates."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

KEY_TYPES = [
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
]
"""Every kind of key: without them AWS lists only certificates with small RSA keys."""

TABLES = (
    AwsTable(
        name="aws_acm_certificate",
        service="acm",
        op="ListCertificates",
        rows="CertificateSummaryList[]",
        params={"Includes": {"keyTypes": KEY_TYPES}},
        resource="{CertificateArn}",
        about="Certificates, their validity and renewal.",
        calls=(
            Call(
                op="DescribeCertificate",
                params={"CertificateArn": "{CertificateArn}"},
                take="Certificate",
                about="Validity, renewal, where it is used",
            ),
        ),
    ),
)
