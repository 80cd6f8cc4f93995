"""Fuzzing: whatever bytes a peer sends, promises hold."""
