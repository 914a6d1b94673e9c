"""Composition root: builds every long-lived part from the settings. No logic.

Two files, since the command line must not import what only the service needs.
"""
