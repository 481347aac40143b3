"""`python -m autoloop.cli`: the same command without its script."""

from autoloop.cli.group import main

if __name__ == "__main__":
    main()
