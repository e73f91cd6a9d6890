"""The process that does the long work for a program that must not wait: client, server, messages and tasks."""
