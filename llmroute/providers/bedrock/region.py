"""Regions and the hosts of Amazon's services in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from .tables import DEFAULT_REGION

_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
#: Domains of the partitions beside the commercial one, by the beginning of their regions' names.
_DOMAINS: Final[Mapping[str, str]] = {
    "cn-": "amazonaws.com.cn",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}


def region_of(options: Mapping[str, Any], variable: Callable[[str], str | None]) -> str:
    """The config's region, else that of the usual variables, else us-east-1."""
    given = options.get("aws_region")
    if isinstance(given, str) and given:
        return given
    return next((found for name in _VARIABLES if (found := variable(name))), DEFAULT_REGION)


def endpoint(service: str, region: str) -> str:
    """The base URL of `service` in `region`, which must be a label of a host name."""
    domain = next((each for start, each in _DOMAINS.items() if region.startswith(start)), "amazonaws.com")
    return f"https://{service}.{region}.{domain}"
