"""What is written down: records, the token log, the change records, reading them back.

A record of a token is durable before the token leaves. What happened is told by the callers.
"""
