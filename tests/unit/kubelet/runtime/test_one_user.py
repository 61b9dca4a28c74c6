from netlab.kubelet.runtime.one_user import as_one_user


def test_every_name_is_the_one_user():
    etc = {
        "passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        "group": b"root:x:0:\nnogroup:x:65534:\n",
        "hosts": b"10.0.0.1:not:touched\n",
    }
    assert as_one_user(etc) == {
        "passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:0:0:nobody:/:/bin/false\n",
        "group": b"root:x:0:\nnogroup:x:0:\n",
        "hosts": b"10.0.0.1:not:touched\n",
    }
