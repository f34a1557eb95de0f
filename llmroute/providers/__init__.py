"""Provider adapters: the translation between OpenAI's chat completions and each provider's format."""
