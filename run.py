"""The door: parse the command line, run one command, leave with its exit code."""

if __name__ == "__main__":
    try:
        from cli.door import main
    except KeyboardInterrupt:  # imports take half a second
        raise SystemExit(130) from None
    raise SystemExit(main())
