"""Interface: the admin API and the pages of its documentation.

Thin routes: parse, call the one road for changes, print.
"""
