"""What a decision can answer instead of facts."""

from __future__ import annotations

from collections.abc import Mapping


class DagbokError(Exception):
    """Something went wrong in Dagbok.

    code: stable, dotted, the message id is `error.<code>`. hint: what an operator can do, in English.
    """

    code = "error"
    hint = ""

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])
        if hint:
            self.hint = hint


class Refused(DagbokError):
    """The command is against a rule.

    code: which rule (message id `error.<code>`); requirement: Noark number or paragraph, for example `2.5.5`;
    params: values for the message; way_out: message id of what the person can do instead.
    """

    def __init__(self, code: str, requirement: str = "", params: Mapping[str, str] | None = None, way_out: str = "") -> None:
        self.code = code
        self.requirement = requirement
        self.params: dict[str, str] = dict(params or {})
        self.way_out = way_out or f"{code}.way_out"
        described = ", ".join(f"{name}={value}" for name, value in self.params.items())
        super().__init__(f"{code}" + (f" (Noark {requirement})" if requirement else "") + (f": {described}" if described else ""))


class NotFound(Refused):
    """Nothing is registered under that reference."""

    def __init__(self, what: str, reference: str) -> None:
        super().__init__("not_found", params={"what": what, "reference": reference})
