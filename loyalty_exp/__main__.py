"""`python -m loyalty_exp` is the same as `loyalty-exp`."""

from loyalty_exp.cli.main import main

if __name__ == "__main__":
    main()
