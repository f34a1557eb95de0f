"""Models as parts of a URL path."""

from __future__ import annotations

from typing import Any

from ..wire.hosts import path_part
from .base import EncodeError


def model_path(model: Any) -> str:
    """The path of a model called "owner/name": each part percent-encoded, but for "@".

    Raises EncodeError when `model` is no text.
    """
    if not isinstance(model, str) or not model:
        raise EncodeError("model: a text was expected", "model")
    return "/".join(path_part(part) for part in model.split("/")).replace("%40", "@")
