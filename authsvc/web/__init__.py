"""Pure ASGI around every interface: request ids, client addresses, errors to the wire, health.

No routing framework and no knowledge of what is served inside.
"""
