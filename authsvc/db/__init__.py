"""The database: the engine, the tables, group commit, the change feed, leases.

The only package that commits. It knows SQLite and PostgreSQL and hides which one it is. What is
stored and why is up to the packages above.
"""
