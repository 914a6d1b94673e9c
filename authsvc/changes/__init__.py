"""The write side: every edit, by whichever interface, in one transaction with its audit record.

A file per noun. Guards, invariants and the record are settled here, where no command can forget
them. Reading for decisions is in access.
"""
