"""The decoding process: its client and server, their messages, and the limits of one file."""
