"""The words on the wire: scopes, names, credentials, OAuth2 requests, claims, errors, secrets.

Pure functions and frozen values: bytes in, values out, and back. No I/O, no clock, no settings.
What a word *means* (who may do what) is decided elsewhere.
"""
