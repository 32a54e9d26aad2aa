"""What is in the simulated company's tenant, in the shapes of Microsoft Graph. All of it is DEMO DATA."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from proofwatch.demo.fakes.microsoft_login import CLIENT, OBJECT, SECRET, TENANT, guid
from proofwatch.demo.staff import DOMAIN, LEAVER, STAFF, Person

GLOBAL_ADMIN = "62e90394-69f5-4237-9190-012177145e10"
SECURITY_ADMIN = "194ae4cb-b126-40b2-bd5b-6091b380977d"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
RESTRICTED_GUEST = "2af84b1e-32c8-42b7-82bc-daa82404023b"
EMERGENCY = guid(90)
GUEST = f"dana_freelance.example#EXT#@{DOMAIN}"
SECURITY_GROUP = guid(201)
PASSKEY, PUSH = "fido2SecurityKey", "microsoftAuthenticatorPush"
CONSENT = "ManagePermissionGrantsForSelf.microsoft-user-default-low"
Item = dict[str, Any]


class Tenant:
    """The tenant at a time: `lists` and `singles` by their path, `members` by the id of their group."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.ids = {person.login: guid(100 + number) for number, person in enumerate(STAFF)}
        self.own = self._application("proofwatch", CLIENT, [self._secret(SECRET[:3], -20, 160)])
        self.members = {SECURITY_GROUP: [self._member("katherine")], guid(202): [], guid(203): []}
        self.lists: dict[str, list[Item]] = {
            "/organization": [self._organization()],
            "/domains": [_domain(DOMAIN, True), _domain("acmerobotics.onmicrosoft.com", False)],
            "/users": self._users(),
            "/reports/authenticationMethods/userRegistrationDetails": self._registrations(),
            "/auditLogs/signIns": self._sign_ins(),
            "/devices": self._devices(),
            "/groups": [
                self._group(SECURITY_GROUP, "Role: security", assignable=True),
                self._group(guid(202), "Engineering"),
                self._group(guid(203), "All company", unified=True),
                self._group(guid(204), "Finance"),
            ],
            "/roleManagement/directory/roleDefinitions": [
                _role(GLOBAL_ADMIN, "Global Administrator", ["microsoft.directory/*/allTasks"]),
                _role(SECURITY_ADMIN, "Security Administrator",
                ["microsoft.directory/policies/basic/update"]),
                _role(GLOBAL_READER, "Global Reader", ["microsoft.directory/*/read"]),
                _role("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator",
                ["microsoft.directory/users/create"]),
            ],
            "/roleManagement/directory/roleAssignments": [
                self._assignment(1, GLOBAL_ADMIN, self._member("ada")),
                self._assignment(2, GLOBAL_ADMIN,
                self._principal(EMERGENCY, "Emergency access", "emergency")),
                self._assignment(
                    3, SECURITY_ADMIN,
                    {"@odata.type": "#microsoft.graph.group", "id": SECURITY_GROUP,
                    "displayName": "Role: security"},
                ),
                self._assignment(4, GLOBAL_READER, self._member("margaret")),
            ],
            "/identity/conditionalAccess/policies": self._policies(),
            "/applications": [
                self.own,
                self._application("web-shop", guid(301), [], [self._key(-100, 265)]),
                self._application(
                    "ci-deployer", guid(302), [self._secret("old", -400, -35), self._secret("new", -30, 700)]
                ),
                self._application("telemetry", guid(303), [], [self._key(-10, 355)]),
            ],
            "/servicePrincipals": [
                self._service_principal(OBJECT, "proofwatch", CLIENT, TENANT),
                self._service_principal(guid(402), "web-shop", guid(301), TENANT),
                self._service_principal(guid(403), "Zoom", guid(304), guid(500), "Zoom Communications, Inc."),
                self._service_principal(
                    guid(404), "Microsoft Graph", "00000003-0000-0000-c000-000000000000",
                    "f8cdef31-a31e-4b4a-93e4-5f571e91255a", "Microsoft",
                ),
            ],
        }  # fmt: skip
        self.singles: dict[str, Item] = {
            "/policies/identitySecurityDefaultsEnforcementPolicy": {
                "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#policies",
                "id": "00000000-0000-0000-0000-000000000005",
                "displayName": "Security Defaults",
                "description": "Security defaults is a set of basic identity security mechanisms.",
                "isEnabled": False,
            },
            "/policies/authorizationPolicy": self._authorization(),
        }

    def welcome_guest(self) -> None:
        """Let the guest have answered the invitation, and come lately."""
        for user in self.lists["/users"]:
            if user["userPrincipalName"] == GUEST:
                user |= {"externalUserState": "Accepted", "signInActivity": self._activity(4)}

    def ago(self, days: float) -> str:
        """Return a moment so many days ago, as Graph writes it."""
        return (self.now - timedelta(days=days)).isoformat().replace("+00:00", "Z")

    def _organization(self) -> Item:
        plan = {
            "assignedDateTime": self.ago(900), "capabilityStatus": "Enabled", "service": "AADPremiumService",
            "servicePlanId": "41781fb2-bc02-4b7c-bd55-b576c07bb09d",
        }  # fmt: skip
        return {
            "id": TENANT, "displayName": "Acme Robotics", "tenantType": "AAD", "countryLetterCode": "DE",
            "createdDateTime": self.ago(2600), "onPremisesSyncEnabled": None, "assignedPlans": [plan],
            "technicalNotificationMails": [f"it@{DOMAIN}"], "deletedDateTime": None,
            "securityComplianceNotificationMails": [f"security@{DOMAIN}"],
            "verifiedDomains": [
                {"capabilities": "Email", "isDefault": True, "isInitial": False, "name": DOMAIN,
                "type": "Managed"}
            ],
        }  # fmt: skip

    def _users(self) -> list[Item]:
        made = [self._user(person) for person in STAFF]
        guest = self._person(guid(91), GUEST, "Dana Freelance", 400)
        guest |= {
            "userType": "Guest", "creationType": "Invitation", "externalUserState": "PendingAcceptance",
            "externalUserStateChangeDateTime": self.ago(400), "signInActivity": None,
            "mail": "dana@freelance.example",
        }  # fmt: skip
        emergency = self._person(EMERGENCY, f"emergency@{DOMAIN}", "Emergency access", 1200)
        emergency["signInActivity"] = self._activity(60)
        return [*made, guest, emergency]

    def _user(self, person: Person) -> Item:
        started = (self.now.date() - person.started).days
        made = self._person(self.ids[person.login], person.email, person.name, started)
        last = (
            0.2 if person is not LEAVER else float((self.now.date() - (person.ended or self.now.date())).days)
        )
        made |= {
            "jobTitle": person.title, "employeeHireDate": f"{person.started}T00:00:00Z",
            "employeeType": "Employee",
            "signInActivity": self._activity(last),
        }  # fmt: skip
        return made

    def _person(self, number: str, login: str, name: str, started: int) -> Item:
        return {
            "id": number, "userPrincipalName": login, "displayName": name, "mail": login,
            "accountEnabled": True,
            "userType": "Member", "createdDateTime": self.ago(started), "creationType": None,
            "externalUserState": None, "externalUserStateChangeDateTime": None, "employeeId": None,
            "employeeType": None, "employeeHireDate": None, "department": None, "jobTitle": None,
            "companyName": None, "lastPasswordChangeDateTime": self.ago(min(started, 300)),
            "passwordPolicies": None, "onPremisesSyncEnabled": None, "usageLocation": "DE",
        }  # fmt: skip

    def _activity(self, days: float) -> Item:
        return {
            "lastSignInDateTime": self.ago(days), "lastSignInRequestId": guid(7),
            "lastNonInteractiveSignInDateTime": self.ago(days + 0.1),
            "lastNonInteractiveSignInRequestId": guid(8),
            "lastSuccessfulSignInDateTime": self.ago(days), "lastSuccessfulSignInRequestId": guid(7),
        }  # fmt: skip

    def _registrations(self) -> list[Item]:
        people = [(self.ids[p.login], p.email, p.name, p.admin, p.second_factor) for p in STAFF]
        people.append((EMERGENCY, f"emergency@{DOMAIN}", "Emergency access", True, True))
        people.append((guid(91), GUEST, "Dana Freelance", False, False))
        return [
            {
                "id": number, "userPrincipalName": login, "userDisplayName": name,
                "userType": "guest" if login == GUEST else "member",
                "isAdmin": admin, "isMfaRegistered": factor, "isMfaCapable": factor,
                "isPasswordlessCapable": admin, "isSsprRegistered": factor, "isSsprEnabled": True,
                "isSsprCapable": factor, "isSystemPreferredAuthenticationMethodEnabled": True,
                "methodsRegistered": [PASSKEY if admin else PUSH] if factor else [],
                "systemPreferredAuthenticationMethods": [], "lastUpdatedDateTime": self.ago(0.1),
                "userPreferredMethodForSecondaryAuthentication": "push" if factor else "none",
            }
            for number, login, name, admin, factor in people
        ]  # fmt: skip

    def _sign_ins(self) -> list[Item]:
        made = []
        for number, person in enumerate(p for p in STAFF if p is not LEAVER):
            made.append(
                {
                    "id": guid(600 + number), "createdDateTime": self.ago(0.2 + number / 20),
                    "userId": self.ids[person.login], "userPrincipalName": person.email,
                    "userDisplayName": person.name, "appDisplayName": "Office 365 Exchange Online",
                    "appId": "00000002-0000-0ff1-ce00-000000000000", "ipAddress": "203.0.113.7",
                    "clientAppUsed": "Browser", "conditionalAccessStatus": "success", "isInteractive": True,
                    "riskDetail": "none", "riskLevelDuringSignIn": "none", "riskState": "none",
                    "riskLevelAggregated": "none",
                    "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None},
                    "location": {"city": "Berlin", "state": "Berlin", "countryOrRegion": "DE"},
                    "deviceDetail": {"isCompliant": True, "isManaged": True, "operatingSystem": "MacOs"},
                }
            )  # fmt: skip
        made.append({**made[0], "id": guid(690), "createdDateTime": self.ago(3)})
        return made

    def _devices(self) -> list[Item]:
        return [
            {
                "id": guid(700 + number), "deviceId": guid(800 + number),
                "displayName": f"laptop-{person.login}",
                "accountEnabled": True, "operatingSystem": "MacMDM", "operatingSystemVersion": "15.6.1",
                "isCompliant": True, "isManaged": True, "trustType": "AzureAd",
                "profileType": "RegisteredDevice",
                "registrationDateTime": self.ago(300),
                "approximateLastSignInDateTime": self.ago(1 + number / 10),
            }
            for number, person in enumerate(p for p in STAFF if p is not LEAVER)
        ]  # fmt: skip

    def _group(self, number: str, name: str, assignable: bool = False, unified: bool = False) -> Item:
        return {
            "id": number, "displayName": name, "description": None, "mail": None, "mailEnabled": unified,
            "securityEnabled": not unified, "groupTypes": ["Unified"] if unified else [],
            "visibility": "Private" if unified or assignable else None,
            "isAssignableToRole": True if assignable else None, "membershipRule": None,
            "onPremisesSyncEnabled": None, "createdDateTime": self.ago(800), "expirationDateTime": None,
        }  # fmt: skip

    def _member(self, login: str) -> Item:
        person = next(person for person in STAFF if person.login == login)
        return self._principal(self.ids[login], person.name, login)

    def _principal(self, number: str, name: str, login: str) -> Item:
        return {
            "@odata.type": "#microsoft.graph.user", "id": number, "displayName": name,
            "userPrincipalName": f"{login}@{DOMAIN}", "mail": f"{login}@{DOMAIN}",
        }  # fmt: skip

    def _assignment(self, number: int, role: str, principal: Item) -> Item:
        return {
            "id": f"lAPpYvVpN0KRkAEhdxReE{number}", "roleDefinitionId": role, "directoryScopeId": "/",
            "principalId": principal["id"], "principal": principal,
        }  # fmt: skip

    def _policies(self) -> list[Item]:
        legacy = ["exchangeActiveSync", "other"]
        return [
            self._policy(1, "Second factor for everybody", ["All"], ["mfa"], exclude=[EMERGENCY]),
            self._policy(2, "No old protocols", ["All"], ["block"], apps=legacy),
            self._policy(3, "Second factor for administrators", [], ["mfa"],
            roles=[GLOBAL_ADMIN, SECURITY_ADMIN]),
            self._policy(4, "Managed devices", ["All"], ["compliantDevice"],
            state="enabledForReportingButNotEnforced"),
        ]  # fmt: skip

    def _policy(self, number: int, name: str, users: list[str], grant: list[str], **more: Any) -> Item:
        who = {
            "includeUsers": users, "excludeUsers": more.get("exclude", []), "includeGroups": [],
            "excludeGroups": [], "includeRoles": more.get("roles", []), "excludeRoles": [],
            "includeGuestsOrExternalUsers": None, "excludeGuestsOrExternalUsers": None,
        }  # fmt: skip
        what = {
            "includeApplications": ["All"], "excludeApplications": [], "includeUserActions": [],
            "includeAuthenticationContextClassReferences": [], "applicationFilter": None,
        }  # fmt: skip
        return {
            "id": guid(900 + number), "displayName": name, "state": more.get("state", "enabled"),
            "createdDateTime": self.ago(500), "modifiedDateTime": None, "templateId": None,
            "sessionControls": None,
            "conditions": {
                "users": who, "applications": what, "clientAppTypes": more.get("apps", ["all"]),
                "userRiskLevels": [], "signInRiskLevels": [], "servicePrincipalRiskLevels": [],
                "platforms": None, "locations": None, "devices": None,
                "clientApplications": None,
            },
            "grantControls": {
                "operator": "OR", "builtInControls": grant, "customAuthenticationFactors": [],
                "termsOfUse": [],
                "authenticationStrength": None,
            },
        }  # fmt: skip

    def _authorization(self) -> Item:
        return {
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#policies/authorizationPolicy",
            "id": "authorizationPolicy", "displayName": "Authorization Policy", "allowedToUseSSPR": True,
            "description": "Used to manage authorization related settings across the company.",
            "allowInvitesFrom": "adminsAndGuestInviters", "guestUserRoleId": RESTRICTED_GUEST,
            "allowedToSignUpEmailBasedSubscriptions": False, "blockMsolPowerShell": True,
            "allowEmailVerifiedUsersToJoinOrganization": False, "allowUserConsentForRiskyApps": None,
            "defaultUserRolePermissions": {
                "allowedToCreateApps": True, "allowedToCreateSecurityGroups": False,
                "allowedToCreateTenants": False,
                "allowedToReadBitlockerKeysForOwnedDevice": True, "allowedToReadOtherUsers": True,
                "permissionGrantPoliciesAssigned": [CONSENT],
            },
        }  # fmt: skip

    def _secret(self, hint: str, start: float, end: float) -> Item:
        return {
            "customKeyIdentifier": None, "displayName": "made by hand", "hint": hint,
            "keyId": guid(len(hint) + 20),
            "secretText": None, "startDateTime": self.ago(-start), "endDateTime": self.ago(-end),
        }  # fmt: skip

    def _key(self, start: float, end: float) -> Item:
        return {
            "customKeyIdentifier": "5A2F", "displayName": "CN=service", "key": None, "keyId": guid(30),
            "type": "AsymmetricX509Cert", "usage": "Verify", "startDateTime": self.ago(-start),
            "endDateTime": self.ago(-end),
        }  # fmt: skip

    def _application(self, name: str, app: str, secrets: list[Item], keys: list[Item] | None = None) -> Item:
        return {
            "id": guid(int(app[-4:], 16) + 5000), "appId": app, "displayName": name,
            "createdDateTime": self.ago(700),
            "signInAudience": "AzureADMyOrg", "publisherDomain": DOMAIN, "passwordCredentials": secrets,
            "keyCredentials": keys or [], "requiredResourceAccess": [],
            "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
        }  # fmt: skip

    def _service_principal(self, number: str, name: str, app: str, owner: str, publisher: str = "") -> Item:
        verified = {
            "displayName": publisher or None, "verifiedPublisherId": "1234567" if publisher else None,
            "addedDateTime": self.ago(600) if publisher else None,
        }  # fmt: skip
        return {
            "id": number, "appId": app, "displayName": name, "accountEnabled": True,
            "servicePrincipalType": "Application", "appOwnerOrganizationId": owner,
            "appRoleAssignmentRequired": False, "signInAudience": "AzureADMyOrg",
            "verifiedPublisher": verified,
            "passwordCredentials": [], "keyCredentials": [],
            "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
            "disabledByMicrosoftStatus": None,
        }  # fmt: skip


def _domain(name: str, default: bool) -> Item:
    return {
        "id": name, "authenticationType": "Managed", "availabilityStatus": None, "isAdminManaged": True,
        "isDefault": default, "isInitial": not default, "isRoot": True, "isVerified": True,
        "passwordNotificationWindowInDays": None, "passwordValidityPeriodInDays": 2147483647,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"], "state": None,
    }  # fmt: skip


def _role(number: str, name: str, actions: list[str]) -> Item:
    return {
        "id": number, "templateId": number, "displayName": name, "description": f"{name}.", "isBuiltIn": True,
        "isEnabled": True, "resourceScopes": ["/"], "version": "1",
        "rolePermissions": [{"allowedResourceActions": actions, "condition": None}],
    }  # fmt: skip
