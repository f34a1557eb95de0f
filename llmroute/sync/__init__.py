"""SyncRouter: the same router for code without an event loop. One implementation, not two."""

from .router import SyncRouter

__all__ = ["SyncRouter"]
