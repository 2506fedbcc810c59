"""What the SCIM face shows of a person: a narrow User, the enterprise extension, and one of our own for rights.

Discovery publishes exactly these attributes; what else a client sends is let go, as RFC 7644 section 3.3 allows. The own
extension says what the IDM asks for and is its to write; `active` and `roles` of the User say what holds.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Extension,
    Filter,
    Mutability,
    Patch,
    Required,
    Resource,
    ResourceType,
    Returned,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models.resources.resource import AnyExtension
from scim2_models.urn import URN

from domain.model.codes import ACCESS_RESTRICTION
from domain.model.matrix import ROLES

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_SCHEMA = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
RECORDS_SCHEMA = "urn:dagbok:params:scim:schemas:extension:records-access:2.0:User"
PAGE_LIMIT = 1_000
SEPARATOR = ", "


class Name(ComplexAttribute):
    """RFC 7643 section 4.1.1, `name`."""

    formatted: str | None = None
    family_name: str | None = None
    given_name: str | None = None


class Email(ComplexAttribute):
    """RFC 7643 section 4.1.2, `emails`."""

    value: str | None = None
    type: str | None = None
    primary: bool | None = None


class HeldRole(ComplexAttribute):
    """RFC 7643 section 4.1.2, `roles`, which nobody writes. type: `in-force`, or how far what waits has come; display: unit,
    first and last day, clearances, access groups and order number; of a request what it lacks."""

    value: Annotated[str | None, Mutability.read_only] = None
    display: Annotated[str | None, Mutability.read_only] = None
    type: Annotated[str | None, Mutability.read_only] = None


class User(Resource[AnyExtension]):
    """A person: employee, temporary, external, auditor or elected. Services are not shown."""

    __schema__ = URN(USER_SCHEMA)

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: str | None = None
    title: str | None = None
    user_type: str | None = Field(default=None, examples=["Employee", "Temporary", "External", "Elected"])
    active: bool | None = None
    emails: list[Email] | None = None
    roles: Annotated[list[HeldRole] | None, Mutability.read_only] = None


def _as_manager(value: Any) -> Any:
    """Entra ID sends the bare id where RFC 7643 section 4.3 has a complex value."""
    return {"value": value} if isinstance(value, str) else value


class Manager(ComplexAttribute):
    """Who the IDM says is manager: told and kept, but who orders for whom is decided here, by two people (practice R10)."""

    value: Annotated[str | None, CaseExact.true] = None


class EnterpriseUser(Extension):
    """RFC 7643 section 4.3. department: the unit, where the own extension names none."""

    __schema__ = URN(ENTERPRISE_SCHEMA)

    department: str | None = None
    manager: Annotated[Manager | None, BeforeValidator(_as_manager)] = None


def _as_text(value: Any) -> Any:
    """A list is taken for the text that it stands for."""
    return SEPARATOR.join(str(one) for one in value) if isinstance(value, list) else value


Listed = Annotated[str | None, BeforeValidator(_as_text)]


class RecordsAccess(Extension):
    """What a manager's order says, as the IDM asked last. validFrom, validTo: local days, both included; unit: its id, name or
    code; roles, clearances (access codes, Noark 5 M500), accessGroups: separated by commas, since identity systems map their
    extensions' texts and not their lists; orderedBy: the manager's id or user name; orderNumber: used for one order only.

    state, reason: how far that has come, where they are asked for; `roles` of the User says it always.
    """

    __schema__ = URN(RECORDS_SCHEMA)

    valid_from: str | None = None
    valid_to: str | None = None
    unit: str | None = None
    roles: Listed = Field(default=None, examples=list(ROLES))
    clearances: Listed = Field(default=None, examples=list(ACCESS_RESTRICTION))
    access_groups: Listed = None
    ordered_by: str | None = None
    order_number: Annotated[str | None, CaseExact.true] = None
    state: Annotated[str | None, Mutability.read_only, Returned.request] = None
    reason: Annotated[str | None, Mutability.read_only, Returned.request] = None


PROVIDER = ScimProvider(
    models=[User, RecordsAccess, EnterpriseUser],
    resource_types=[ResourceType.from_resource(User[RecordsAccess | EnterpriseUser])],
    config=ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=PAGE_LIMIT),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="The token that `dagbok idm token` gives.",
                primary=True,
            )
        ],
    ),
    # how Entra ID departs from RFC 7644: attributes that nobody offers, `remove` with a value, path filters that match nothing
    policy=ScimPolicy(
        unknown=ScimPolicy.Unknown.ignore,
        remove_value_as_filter=ScimPolicy.RemoveValue.apply,
        unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
    ),
)
MODEL: type[Any] = User[RecordsAccess | EnterpriseUser]
