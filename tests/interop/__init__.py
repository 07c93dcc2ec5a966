"""Annex behind real servers, with real clients.

Everything here runs on loopback, on free ports, below one temporary directory
for each server, and is ended by the process id that started it.
"""
