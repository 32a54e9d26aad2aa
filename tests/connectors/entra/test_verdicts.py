"""What the checks say of the simulated company: its faults, and nothing else."""

from proofwatch.demo.fakes.base import Said
from tests.connectors.verdicts import catalog_of, failing, verdicts

FAULTS = {
    "entra.application.certificate-instead-of-secret",
    "entra.application.credential-not-ended",
    "entra.application.secret-short-lived",
    "entra.policy.users-register-no-applications",
    "entra.user.guest-invitation-answered",
    "entra.user.mfa-registered",
}


def test_the_faults_are_found_and_nothing_else(connected, entra, tmp_path):
    connector = connected()
    found = verdicts(connector, tmp_path)
    assert set(found) == set(catalog_of(type(connector)).checks)
    fails = failing(found)
    assert set(fails) == FAULTS
    assert fails["entra.user.mfa-registered"] == [entra.data.ids["linus"]]
    # The demo's own application signs in with a secret, too.
    assert len(fails["entra.application.certificate-instead-of-secret"]) == 2
    inconclusive = {name for name, status in found.items() if "inconclusive" in status}
    assert inconclusive == set()


def test_after_a_while_the_leaver_is_found(connected, entra, tmp_path):
    mary = next(user for user in entra.data.lists["/users"] if user["displayName"] == "Mary Departed")
    mary["signInActivity"] = {"lastSignInDateTime": entra.data.ago(100)}
    fails = failing(verdicts(connected(), tmp_path))
    assert fails["entra.user.used-lately"] == [mary["id"]]


def test_worse_tenants_are_told_from_better_ones(connected, entra, tmp_path):
    policies = entra.data.lists["/identity/conditionalAccess/policies"]
    policies[0]["grantControls"]["builtInControls"] = ["mfa", "compliantDevice"]
    policies[1]["state"] = "disabled"
    entra.data.lists["/auditLogs/signIns"][0]["clientAppUsed"] = "IMAP4"
    guest = next(user for user in entra.data.lists["/users"] if user["userType"] == "Guest")
    entra.data.lists["/roleManagement/directory/roleAssignments"].append(
        entra.data._assignment(9, "fe930be7-5e62-47db-91af-98c3a49a38b1", entra.data._principal(
            guest["id"], "Dana", "dana"))
    )  # fmt: skip
    fails = failing(verdicts(connected(), tmp_path))
    assert set(fails) - FAULTS == {
        "entra.policy.mfa-required", "entra.policy.legacy-authentication-blocked",
        "entra.policy.legacy-authentication-unused", "entra.role.guest-holds-none",
    }  # fmt: skip


def test_what_is_not_licensed_is_inconclusive_and_never_passes(connected, entra, tmp_path):
    entra.premium = False
    found = verdicts(connected(), tmp_path)
    lately = found["entra.user.used-lately"]
    assert set(lately) == {"inconclusive"} or set(lately) == {"inconclusive", "not_applicable"}
    assert "pass" not in found.get("entra.user.mfa-registered", {})


def test_security_defaults_are_enough(connected, entra, tmp_path):
    entra.data.singles["/policies/identitySecurityDefaultsEnforcementPolicy"]["isEnabled"] = True
    entra.broken["/v1.0/identity/conditionalAccess/policies"] = Said({"value": []})
    found = verdicts(connected(), tmp_path)
    assert set(found["entra.policy.mfa-required"]) == {"pass"}
    assert set(found["entra.policy.legacy-authentication-blocked"]) == {"pass"}
