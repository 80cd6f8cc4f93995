"""Autoreload: the process starts itself anew when a source or a template has changed. For development."""
