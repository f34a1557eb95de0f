"""What a partner's service is called with: from the check's `credentials`, or from a named provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from ..base import Services
from ..parameters import Parameters
from ..support import reading

_VARIABLE: Final = "env:"


class MissingCredentialError(Exception):
    """A credential is not there when it is needed. The text names it."""


@attrs.frozen
class Credential:
    """One member of `credentials`: its name, other spellings of it, and the named provider's member."""

    name: str
    also: tuple[str, ...] = ()
    member: str | None = None
    required: bool = True


@attrs.frozen
class Credentials:
    """The credentials of one check as written; looked up when it runs."""

    wanted: Sequence[Credential]
    given: Mapping[str, str] = attrs.field(repr=False)
    provider: str | None
    services: Services = attrs.field(repr=False)

    def look_up(self) -> dict[str, str]:
        """The values by name, variables read. Raises MissingCredentialError."""
        members: Mapping[str, Any] = {}
        if self.provider is not None:
            named = self.services.provider(self.provider)
            if named is None:
                raise MissingCredentialError("The named provider is not declared for this router.")
            members = named
        values: dict[str, str] = {}
        for credential in self.wanted:
            value = self._value(credential, members)
            if value:
                values[credential.name] = value
            elif credential.required:
                raise MissingCredentialError(f"The credential {credential.name} is missing.")
        return values

    def _value(self, credential: Credential, members: Mapping[str, Any]) -> str | None:
        value: Any = self.given.get(credential.name)
        if value is None and credential.member is not None:
            value = members.get(credential.member)
        if isinstance(value, str) and value.startswith(_VARIABLE):
            value = self.services.variable(value.removeprefix(_VARIABLE))
        return value if isinstance(value, str) else None


def read_credentials(
    parameters: Parameters, services: Services, wanted: Sequence[Credential], section: str | None
) -> Credentials:
    """Read `credentials` and `provider`; what is required and can come from neither is a problem now.

    `section` is an object inside of `credentials` that may hold them instead.
    """
    provider = parameters.text("provider", "", limit=200) or None
    reader = reading.section(parameters, "credentials")
    if reader is not None and section is not None and isinstance(reader.values.get(section), Mapping):
        reader = reading.part(parameters, reader.values[section], f"credentials.{section}")
    given = {} if reader is None else _given(reader, wanted)
    for credential in wanted:
        found_later = provider is not None and credential.member is not None
        if credential.required and credential.name not in given and not found_later:
            parameters.problem(f"credentials.{credential.name}", "missing")
    if reader is not None:
        reader.done()
    return Credentials(tuple(wanted), given, provider, services)


def _given(reader: Parameters, wanted: Sequence[Credential]) -> dict[str, str]:
    given: dict[str, str] = {}
    for credential in wanted:
        value = reader.raw(credential.name, *credential.also)
        if isinstance(value, str) and 0 < len(value) <= 10_000:
            given[credential.name] = value
        elif value is not None:
            # Not what was found: it may be a secret in the wrong form.
            reader.problem(credential.name, "expected text of 1 to 10,000 characters")
    return given
