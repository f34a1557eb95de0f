"""Data URLs (RFC 2397) taken apart."""

from __future__ import annotations

import base64
from urllib.parse import unquote_to_bytes

from .base import EncodeError


def from_data_url(url: str, where: str) -> tuple[str, str]:
    """Media type and base64 text of `data:[media type][;attribute=value]*[;base64],data`.

    Without a media type it is text/plain. Raises EncodeError when `url` is no data URL.
    """
    head, comma, data = url.partition(",")
    if not comma:
        raise EncodeError(f"{where}: a data URL needs a comma before its data", where)
    media_type, *attributes = (item.strip().lower() for item in head[5:].split(";"))
    if "base64" not in attributes:
        data = base64.b64encode(unquote_to_bytes(data)).decode("ascii")
    elif "%" in data:
        data = unquote_to_bytes(data).decode("ascii", "replace")
    return media_type or "text/plain", data
