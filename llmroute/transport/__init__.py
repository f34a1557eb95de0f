"""How bytes reach a provider: the protocol and the aiohttp implementation."""
