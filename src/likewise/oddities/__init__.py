"""What is odd about rows, prompts and tokens, found with NumPy alone."""

from likewise.oddities.findings import audit, audit_prompts, audit_tokens

__all__ = ["audit", "audit_prompts", "audit_tokens"]
