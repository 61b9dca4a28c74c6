"""The Wireshark profile; tests/kernel/test_capture_command.py has tshark read it."""

from netlab.capture.wireshark import wireshark_profile


def test_the_profile_knows_a_packet_at_its_next_interface():
    files = wireshark_profile()
    assert set(files) == {"preferences", "colorfilters"}
    assert "tcp.analyze_sequence_numbers: FALSE" in files["preferences"]
    for column in ("frame.interface_name", "frame.packet_id", "frame.comment"):
        assert column in files["preferences"]


def test_each_colour_has_a_name_a_filter_and_two_colours():
    lines = wireshark_profile()["colorfilters"].splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert len(rules) == 2
    for rule in rules:
        empty, name, condition, colours = rule.split("@")
        assert (empty, name[:8]) == ("", "netlab: ")
        assert condition.startswith("frame.comment")
        assert colours.count("[") == 2
