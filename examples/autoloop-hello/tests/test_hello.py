"""The contract that AutoLoop asks of every step, and what this one does."""

from autoloop_hello import Hello

from autoloop.plugins.testing import StepContract, visit


class TestHello(StepContract):
    step = Hello
    configs = ({}, {"greeting": "Good morning"})
    bad_configs = ({"greeting": "x" * 61},)

    def test_it_greets_by_name(self) -> None:
        outcome = visit(Hello, {}, contact={"first_name": "Ada"})
        assert (outcome.port, outcome.output) == ("next", "Hello, Ada!")

    def test_it_knows_a_stranger(self) -> None:
        assert visit(Hello, {}, contact={"first_name": ""}).port == "stranger"
