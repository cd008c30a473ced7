"""The door: parse the command line, run one command, leave with its exit code."""

from cli.door import main

if __name__ == "__main__":
    raise SystemExit(main())
