"""Microsoft Azure: Azure OpenAI, and the models of other makers in Azure AI Foundry."""

from .foundry import adapter as foundry_adapter
from .openai import adapter as openai_adapter

__all__ = ["foundry_adapter", "openai_adapter"]
