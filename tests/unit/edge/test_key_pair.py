"""A certificate is handed to Envoy only together with its own key."""

from datetime import timedelta

import pytest

from stronghouse.access.certificates import CertificateAuthority, Purpose, new_key_and_request
from stronghouse.edge.key_pair import require_key_pair
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret


def test_only_the_certificates_own_key_is_accepted() -> None:
    root = CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=SystemClock())
    key, request = new_key_and_request("localhost")
    leaf = root.sign_server(request, names=["localhost"], lifetime=timedelta(hours=1))
    require_key_pair(leaf + root.certificate_pem, key)
    for wrong in (new_key_and_request("other")[0], root.key_pem(), Secret("CANARY")):
        with pytest.raises(Invalid) as raised:
            require_key_pair(leaf, wrong)
        assert "CANARY" not in f"{raised.value} {raised.value.detail}"
    with pytest.raises(Invalid):
        require_key_pair(b"nothing", key)
