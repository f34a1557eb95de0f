"""The layers around one request to one provider: each does one thing and exists only when asked for."""
