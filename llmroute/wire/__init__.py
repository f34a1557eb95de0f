"""Bytes in, values out: messages, JSON, event parsers and the host policy. Nothing here does I/O."""
