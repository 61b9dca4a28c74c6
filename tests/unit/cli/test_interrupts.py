"""Signals that end a command by its own hand."""

import signal

import pytest

from netlab.cli.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_a_wish_and_the_second_an_order(number: signal.Signals):
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        assert not interrupts.came
        signal.raise_signal(number)
        assert interrupts.came
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
