"""A page that was read before the journal showed what its reader had just done says so, however late in the request that is."""

from __future__ import annotations

from typing import Any

import pytest

from api.installation import Tenant
from tests.rights.town import Town

BEHIND = "Det du nettopp lagret, er trygt, men vises først om et øyeblikk."


@pytest.mark.parametrize("late", [0, 1, None])
def test_what_was_read_too_early_is_told(town: Town, monkeypatch: pytest.MonkeyPatch, late: int | None) -> None:
    """late: which of the request's looks at the journal finds it behind; after it, it has come up."""
    per = town.person("per.nes")
    sent = town.send("kari.aas", f"/rights/stop?person={per}", "/rights/stop", step="stop")
    assert sent.status_code == 303
    looks: list[bool] = []

    def wait(self: Tenant, position: int, timeout_s: float) -> bool:
        looks.append(len(looks) != late)
        return looks[-1]

    monkeypatch.setattr(Tenant, "wait", wait)
    said: Any = town.get("kari.aas", f"/people/{per}").text
    assert (BEHIND in said) == (late is not None)
    assert len(looks) > 1 or late == 0
    assert looks.count(False) == (late is not None)
