"""Functions by address."""

from pathlib import Path

import pytest

from netlab.linux.bpf.kernel_symbols import KernelSymbols

TEXT = """\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81000400 D some_data
ffffffff81000300 t tcp_v4_rcv
ffffffff81000600 t ip_rcv_finish_core.constprop.0
ffffffffc0000000 t nft_do_chain\t[nf_tables]
"""


@pytest.mark.parametrize(
    ("address", "name"),
    [
        pytest.param(0xFFFFFFFF81000300, "tcp_v4_rcv", id="its first byte"),
        pytest.param(0xFFFFFFFF81000512, "tcp_v4_rcv", id="data is no function"),
        pytest.param(0xFFFFFFFFC0000010, "nft_do_chain", id="of a module"),
        pytest.param(0xFFFFFFFF81000610, "ip_rcv_finish_core", id="a compiler's copy"),
        pytest.param(0x1000, "", id="below the kernel"),
    ],
)
def test_an_address_lies_in_the_function_that_begins_before_it(
    tmp_path: Path, address: int, name: str
):
    file = tmp_path / "kallsyms"
    file.write_text(TEXT)

    assert KernelSymbols(file).name_of(address) == name


@pytest.mark.parametrize(
    "text", [None, "0000000000000000 T _text\n0000000000000000 t tcp_v4_rcv\n"]
)
def test_a_kernel_that_hides_its_addresses_names_none(tmp_path: Path, text: str | None):
    file = tmp_path / "kallsyms"
    if text is not None:
        file.write_text(text)

    assert KernelSymbols(file).name_of(0xFFFFFFFF81000300) == ""
