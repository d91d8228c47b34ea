"""`python -m tiptoe` is `tiptoe`."""

from tiptoe.cli import main

main(prog_name="tiptoe")
