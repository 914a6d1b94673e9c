"""Interface: the token realm (distribution token specification, OAuth2), its metadata and its docs.

Parse, issue, print. Everything known about people, rights, keys and records is asked for below.
"""
