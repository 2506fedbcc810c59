"""The SCIM protocol with our one rule in it: a PATCH that asks for other rights is an order only by what it carries itself."""

from __future__ import annotations

from typing import Any

from scim2_models import Context, PatchOp, PatchOperation, Resource, ResponseParameters
from scim2_server.conditions import Conditions
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService

from api.scim.resources import PROVIDER, RecordsAccess

_ASKED = ("valid_from", "valid_to", "unit", "roles", "clearances", "access_groups")


class Service(ScimService):
    """SCIM's own service over our resources."""

    def __init__(self) -> None:
        super().__init__(PROVIDER)

    def apply_patch(self, current: Resource[Any], patch_op: PatchOp[Any], conditions: Conditions) -> Resource[Any] | None:
        """The resource as the PATCH wants it, None where it changes nothing.

        orderedBy and orderNumber of an earlier message are no part of this one: they are taken off first, and stand again only
        where the PATCH asks for no other rights and takes neither of them off itself.
        """
        wanted = current.model_copy(deep=True)
        said = wanted[RecordsAccess]
        before = (said.ordered_by, said.order_number) if said is not None else (None, None)
        if said is not None:
            said.ordered_by = said.order_number = None
        super().apply_patch(wanted, patch_op, conditions)
        after = wanted[RecordsAccess]
        carried = after is not None and (after.ordered_by, after.order_number) != (None, None)
        if after is not None and not carried and not _takes_off(patch_op) and _same(current, wanted):
            after.ordered_by, after.order_number = before
        return None if wanted == current else wanted

    def patch_response(
        self, base_url: str, resource: Resource[Any], response_parameters: ResponseParameters[Any]
    ) -> ScimResponse:
        """200 with the person as it is now: what was asked for may wait, and its client is to see that."""
        published = self.publish(base_url, resource)
        return self.resource_response(published, Context.RESOURCE_PATCH_RESPONSE, response_parameters)


def _same(current: Resource[Any], wanted: Resource[Any]) -> bool:
    """Whether both ask for the same rights, and neither of them brings somebody back."""
    old, new = current[RecordsAccess], wanted[RecordsAccess]
    back = getattr(current, "active", None) is False and getattr(wanted, "active", None) is not False
    return not back and all(getattr(old, name, None) == getattr(new, name, None) for name in _ASKED)


def _takes_off(patch_op: PatchOp[Any]) -> bool:
    """Whether an operation removes who ordered, or the number."""
    return any(
        one.op is PatchOperation.Op.remove and str(one.path).casefold().endswith(("orderedby", "ordernumber"))
        for one in patch_op.operations or ()
    )
