"""Coming from elsewhere: people and rules of other systems, made part of what is stored here.

Owns the reading of foreign files and what becomes of each line of them. What a user or a grant may
be, and how one is written, is the matter of `changes/users` and `changes/policy`.
"""
