"""The command line: words in, exit code out. Command files import what they run inside the command."""
